"""The report: one HTML file that needs no network, and the formats that all text output shares."""
