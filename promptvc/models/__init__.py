"""L1: models that answer: the built-in offline responder and any LangChain provider."""
