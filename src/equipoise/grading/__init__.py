"""Marking, built on nbgrader: its gradebook, its files and folders, its commands."""
