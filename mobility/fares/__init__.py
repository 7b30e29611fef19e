"""Fares: tariff -> journeys -> caps, exact to the last minor unit, with an independent check."""
