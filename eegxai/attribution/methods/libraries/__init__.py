"""Methods of other libraries, named ``LIBRARY.METHOD``; each library is imported on first use."""
