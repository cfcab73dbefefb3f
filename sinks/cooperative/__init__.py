"""Cooperatives: collection contracts and the balance that explains every kilogram."""
