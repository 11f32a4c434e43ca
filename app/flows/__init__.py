"""Verbs: what happens, step by step. Loads rows, asks the rules, writes back; decides nothing
alone.
"""
