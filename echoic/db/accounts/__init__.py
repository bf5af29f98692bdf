"""Accounts with their keys, and what they have used of their plans: minutes and storage."""
