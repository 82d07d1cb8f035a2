# SPDX-License-Identifier: MIT
"""Engines, and what passes between them and run_code."""
