"""What a session may do: whether its Logon is believed, and which accounts it may name.

Passwords are known only as argon2id hashes; a refusal says no more than it must. Cancel on disconnect is not here: it
belongs into the engine, on
journaled time, and comes with its leases.
"""

from __future__ import annotations

from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error

from cfg.model import Account, FixGateway, Session
from fixgw.session import Logon


@dataclass(frozen=True)
class Client:
    """A configured session as the gateway needs it: who it is and what it may name."""

    session: int
    comp_id: str
    password_hash: str
    accounts: dict[str, int]  # Account(1) text to account id
    default_account: int

    @classmethod
    def of(cls, session: Session, accounts: dict[int, Account]) -> Client:
        """From the configuration, whose rules guarantee that every account exists and belongs to the participant."""
        names = {accounts[account].name: account for account in session.accounts}
        return cls(session.id, session.comp_id, session.password_hash, names, session.accounts[0])


class LogonPolicy:
    """Judges Logons; holds no state between them."""

    def __init__(self, gateway: FixGateway) -> None:
        self._gateway = gateway
        self._hasher = PasswordHasher()

    def judge(self, logon: Logon, client: Client) -> str | None:
        """None to accept, else why not."""
        if logon.username != client.comp_id or not self._password_matches(logon.password, client.password_hash):
            return "Username or Password is wrong"
        low, high = self._gateway.heartbeat_min_s, self._gateway.heartbeat_max_s
        if logon.heartbeat_s is None or not low <= logon.heartbeat_s <= high:
            return f"HeartBtInt must be between {low} and {high} seconds"
        if logon.reset and logon.msg_seq_num != 1:
            return "a Logon with ResetSeqNumFlag=Y must have MsgSeqNum 1"
        return None

    def _password_matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password.encode("utf-8", "surrogateescape"))
        except Argon2Error:
            return False
