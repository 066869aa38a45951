-- Busts and transfers move money like fills: entries of their own, leaves in the same chain, legs of a batch.

ALTER TYPE entry_kind ADD VALUE 'bust';
ALTER TYPE entry_kind ADD VALUE 'transfer';

-- A maker's fee below 0 is a rebate.
ALTER TABLE fill DROP CONSTRAINT fill_maker_fee_units_check;

-- What a batch counts is leaves: of fills, busts and transfers.
ALTER TABLE batch RENAME COLUMN fills TO leaves;
ALTER TABLE batch RENAME COLUMN first_fill_ns TO first_leaf_ns;

-- A trade is busted once; the sides are those that give back, the trade's own accounts or the guarantor.
CREATE TABLE bust (
    trade_id bigint PRIMARY KEY REFERENCES fill (sequence),
    epoch bigint NOT NULL,
    sequence bigint NOT NULL UNIQUE,
    time_ns bigint NOT NULL,
    instrument integer NOT NULL,
    price_ticks bigint NOT NULL,
    quantity_lots bigint NOT NULL,
    notional_units bigint NOT NULL,
    buyer_fee_units bigint NOT NULL,
    seller_fee_units bigint NOT NULL,
    buyer_account integer NOT NULL,
    seller_account integer NOT NULL,
    buyer_side_account integer NOT NULL,
    seller_side_account integer NOT NULL,
    operator text NOT NULL,
    reason text NOT NULL,
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    CHECK (sequence > trade_id)
);

CREATE TABLE transfer (
    transfer_seq bigint PRIMARY KEY,
    epoch bigint NOT NULL,
    sequence bigint NOT NULL UNIQUE,
    time_ns bigint NOT NULL,
    from_account integer NOT NULL,
    to_account integer NOT NULL,
    asset integer NOT NULL,
    units bigint NOT NULL CHECK (units > 0),
    operator text NOT NULL,
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    CHECK (from_account <> to_account)
);

-- Everything that a batch settles, one row and one leaf each. A transfer has neither instrument nor notional.
CREATE VIEW settleable AS
    SELECT sequence, time_ns, instrument, notional_units, leaf FROM fill
    UNION ALL SELECT sequence, time_ns, instrument, notional_units, leaf FROM bust
    UNION ALL SELECT sequence, time_ns, NULL, 0, leaf FROM transfer;

CREATE TRIGGER bust_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bust
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
