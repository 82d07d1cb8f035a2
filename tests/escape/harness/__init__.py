# SPDX-License-Identifier: MIT
"""Runs the hostile programs beside this directory and judges them."""
