"""The FIX 4.4 gateway: sessions on one side, the engine's commands and events on the other.

It keeps no order state of its own.
"""
