"""The methods that are built of several API calls, one module each."""
