"""THE STRAIGHT LINE: extract, map, validate, plan, load, verify, report.

The composition root: only here do stages and adapters meet. ``runs`` reads like the line; ``wiring`` chooses adapters;
``prepare`` goes up to the line that writes; ``loading`` talks to Casebook; ``accounts`` closes the books.
"""
