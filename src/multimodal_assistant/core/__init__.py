"""The words that all parts share: types, contracts, errors. Depends on nothing above it."""
