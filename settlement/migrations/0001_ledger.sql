-- The ledger: what the engine's events and the chain's final blocks say about money, double-entry and append-only.
-- Amounts are the asset's engine units unless a column says token; settlement/batches.py scales them to the token's.

CREATE TYPE bucket AS ENUM ('available', 'unsettled');
CREATE TYPE entry_kind AS ENUM ('fill', 'deposit', 'settle');
CREATE TYPE account_kind AS ENUM ('chain', 'client', 'fee', 'suspense', 'lender');
CREATE TYPE batch_state AS ENUM ('cut', 'sent', 'mined', 'final');
CREATE TYPE deposit_state AS ENUM ('seen', 'final', 'credited', 'orphaned');

-- One ledger belongs to one database cluster and one vault on one chain; a restored or copied half is refused.
CREATE TABLE identity (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    system_identifier bigint NOT NULL,
    chain_id bigint NOT NULL,
    vault bytea NOT NULL CHECK (length(vault) = 20),
    deploy_block_number bigint NOT NULL,
    deploy_block_hash bytea NOT NULL CHECK (length(deploy_block_hash) = 32)
);

CREATE TABLE cursor (
    name text PRIMARY KEY,
    sequence bigint NOT NULL CHECK (sequence >= 0),
    epoch bigint NOT NULL DEFAULT 0
);
INSERT INTO cursor (name, sequence) VALUES ('events', 0), ('checkpoint', 0), ('final_block', 0);

-- Reference data, as the engine's events define it.
CREATE TABLE asset (
    id integer PRIMARY KEY,
    symbol text NOT NULL,
    decimals integer NOT NULL CHECK (decimals BETWEEN 0 AND 9)
);

CREATE TABLE instrument (
    id integer PRIMARY KEY,
    symbol text NOT NULL,
    base integer NOT NULL REFERENCES asset,
    quote integer NOT NULL REFERENCES asset,
    lot_units bigint NOT NULL CHECK (lot_units > 0),
    tick_units bigint NOT NULL CHECK (tick_units > 0)
);

CREATE TABLE account (
    id integer PRIMARY KEY,
    kind account_kind NOT NULL,
    participant integer NOT NULL,
    name text NOT NULL
);
-- The contra side of every deposit: what the vault owes, negative.
INSERT INTO account (id, kind, participant, name) VALUES (0, 'chain', 0, 'CHAIN');
CREATE UNIQUE INDEX one_fee_account ON account (kind) WHERE kind = 'fee';

-- Journal.
CREATE TABLE entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind entry_kind NOT NULL,
    ref text NOT NULL UNIQUE,
    sequence bigint UNIQUE,
    time_ns bigint NOT NULL,
    posted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE posting (
    entry bigint NOT NULL,
    line smallint NOT NULL,
    account integer NOT NULL,
    asset integer NOT NULL,
    bucket bucket NOT NULL,
    amount numeric(78, 0) NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (entry, line)
);

-- Sum of the postings, kept by their trigger: its foreign keys stand for those a posting would pay for on every row.
CREATE TABLE balance (
    account integer NOT NULL REFERENCES account,
    asset integer NOT NULL REFERENCES asset,
    bucket bucket NOT NULL,
    amount numeric(78, 0) NOT NULL,
    PRIMARY KEY (account, asset, bucket)
);

CREATE FUNCTION post() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced record;
BEGIN
    SELECT entry, asset, sum(amount) AS amount INTO unbalanced
        FROM inserted GROUP BY entry, asset HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % does not sum to zero in asset %: %',
            unbalanced.entry, unbalanced.asset, unbalanced.amount
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT entry INTO unbalanced FROM inserted WHERE NOT EXISTS (SELECT FROM entry WHERE id = inserted.entry) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no entry %', unbalanced.entry USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO balance AS b (account, asset, bucket, amount)
        SELECT account, asset, bucket, sum(amount) FROM inserted GROUP BY account, asset, bucket
        ON CONFLICT (account, asset, bucket) DO UPDATE SET amount = b.amount + excluded.amount;
    RETURN NULL;
END $$;

-- By statement: by row it would cost a quarter of the throughput.
CREATE TRIGGER posting_posts AFTER INSERT ON posting
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION post();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct it by a new entry', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TABLE fill (
    epoch bigint NOT NULL,
    trade_id bigint NOT NULL,
    sequence bigint NOT NULL UNIQUE,
    time_ns bigint NOT NULL,
    instrument integer NOT NULL,
    taker_side smallint NOT NULL CHECK (taker_side IN (1, 2)),
    maker_account integer NOT NULL,
    taker_account integer NOT NULL,
    maker_order_id numeric(20, 0) NOT NULL,
    taker_order_id numeric(20, 0) NOT NULL,
    price_ticks bigint NOT NULL,
    quantity_lots bigint NOT NULL CHECK (quantity_lots > 0),
    notional_units bigint NOT NULL CHECK (notional_units > 0),
    maker_fee_units bigint NOT NULL CHECK (maker_fee_units >= 0),
    taker_fee_units bigint NOT NULL CHECK (taker_fee_units >= 0),
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (epoch, trade_id)
);

-- Batches. A fill belongs to the batch whose range holds its sequence; no column of a fill ever changes for it.
CREATE TABLE batch (
    id bigint PRIMARY KEY CHECK (id > 0),
    first_seq bigint NOT NULL UNIQUE,
    last_seq bigint NOT NULL UNIQUE CHECK (last_seq >= first_seq),
    root bytea NOT NULL CHECK (length(root) = 32),
    fills integer NOT NULL CHECK (fills > 0),
    first_fill_ns bigint NOT NULL,
    state batch_state NOT NULL DEFAULT 'cut',
    block_number bigint,
    block_hash bytea,
    transaction_hash bytea,
    -- The last state an engine event reported for it, as SettlementState; 0 is none.
    told smallint NOT NULL DEFAULT 0,
    CHECK ((state IN ('mined', 'final')) = (block_hash IS NOT NULL))
);
CREATE INDEX batch_open ON batch (id) WHERE state <> 'final' OR told <> 4;

CREATE TABLE batch_leg (
    batch bigint NOT NULL REFERENCES batch,
    asset integer NOT NULL,
    account integer NOT NULL,
    units numeric(78, 0) NOT NULL CHECK (units <> 0),
    PRIMARY KEY (batch, asset, account)
);

CREATE TABLE batch_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch bigint NOT NULL REFERENCES batch,
    state batch_state NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    transaction_hash bytea,
    block_number bigint
);
CREATE INDEX batch_history_batch ON batch_history (batch);

-- Transactions: one nonce for one batch for ever; every signed form of it is kept with its bytes.
CREATE TABLE nonce_slot (
    signer bytea NOT NULL CHECK (length(signer) = 20),
    nonce bigint NOT NULL,
    batch bigint NOT NULL UNIQUE REFERENCES batch,
    PRIMARY KEY (signer, nonce)
);

CREATE TABLE chain_tx (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    signer bytea NOT NULL,
    nonce bigint NOT NULL,
    batch bigint NOT NULL REFERENCES batch,
    raw bytea NOT NULL,
    max_fee_wei numeric(78, 0) NOT NULL,
    tip_wei numeric(78, 0) NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    signed_at_block bigint NOT NULL,
    sends integer NOT NULL DEFAULT 0,
    last_answer text NOT NULL DEFAULT '',
    FOREIGN KEY (signer, nonce) REFERENCES nonce_slot
);
CREATE INDEX chain_tx_batch ON chain_tx (batch);

-- The chain as we follow it; a block that was orphaned is deleted, its deposits are marked.
CREATE TABLE block (
    number bigint PRIMARY KEY,
    hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    parent bytea NOT NULL CHECK (length(parent) = 32)
);

-- Which venue account a vault account stands for, fixed at its first final deposit (the fee account: at genesis).
CREATE TABLE chain_account (
    account_no bigint PRIMARY KEY,
    address bytea NOT NULL UNIQUE CHECK (length(address) = 20),
    account integer NOT NULL,
    suspense boolean NOT NULL
);
CREATE UNIQUE INDEX one_vault_account_per_account ON chain_account (account) WHERE NOT suspense;

CREATE TABLE deposit (
    block_hash bytea NOT NULL,
    log_index integer NOT NULL,
    block_number bigint NOT NULL,
    transaction_hash bytea NOT NULL,
    deposit_seq bigint NOT NULL CHECK (deposit_seq > 0),
    account_no bigint NOT NULL,
    depositor bytea NOT NULL,
    asset integer NOT NULL,
    token_amount numeric(78, 0) NOT NULL CHECK (token_amount > 0),
    units bigint NOT NULL CHECK (units > 0),
    state deposit_state NOT NULL DEFAULT 'seen',
    account integer CHECK ((account IS NULL) = (state IN ('seen', 'orphaned'))),
    PRIMARY KEY (block_hash, log_index)
);
CREATE UNIQUE INDEX deposit_once ON deposit (deposit_seq) WHERE state <> 'orphaned';
CREATE INDEX deposit_open ON deposit (block_number) WHERE state IN ('seen', 'final');

-- What the engine credited, from its events; must equal the deposit of the same number.
CREATE TABLE credit (
    deposit_seq bigint PRIMARY KEY,
    sequence bigint NOT NULL UNIQUE,
    account integer NOT NULL,
    asset integer NOT NULL,
    units bigint NOT NULL CHECK (units > 0),
    block_number bigint NOT NULL,
    transaction_hash bytea NOT NULL
);

-- Reconciliation.
CREATE TABLE checkpoint_balance (
    checkpoint bigint NOT NULL,
    account integer NOT NULL,
    asset integer NOT NULL,
    units numeric(78, 0) NOT NULL,
    PRIMARY KEY (checkpoint, account, asset)
);

CREATE TABLE checkpoint (
    number bigint PRIMARY KEY,
    sequence bigint NOT NULL UNIQUE,
    matched boolean NOT NULL
);

-- Why settlement stopped. Only an operator ends a stop; the row stays.
CREATE TABLE stop (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason text NOT NULL,
    detail text NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    cleared_at timestamptz,
    cleared_by text,
    cleared_because text
);
CREATE UNIQUE INDEX stop_once ON stop (reason) WHERE cleared_at IS NULL;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['entry', 'posting', 'fill', 'batch_leg', 'batch_history', 'nonce_slot', 'credit'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name || '_append_only', name);
    END LOOP;
END $$;
