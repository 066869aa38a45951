"""Builds the engine's C extension; everything else about the package is declared in setup.cfg."""

from setuptools import setup

setup(cffi_modules=["engine/native/build.py:ffi"])
