"""Campaigns against a checkout: processes killed at random moments, and hostile inputs. They take minutes."""
