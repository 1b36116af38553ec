"""Answers from tidy scores: summary, verdicts, tables, comparisons, significance."""
