"""Makes the sample extracts: a synthetic agency and a synthetic homeless-services export, never real people.

Every fault is planted on purpose and written down at that moment, so that the expected ledger is known without running
the product. Data comes in blocks of equal shape; a larger extract is more blocks, and memory holds one block.
"""
