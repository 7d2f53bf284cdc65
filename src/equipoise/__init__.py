"""Equipoise: a course in the ethics of clinical AI, taught through cases and marked labs."""
