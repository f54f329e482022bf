"""Rules out of words and corrections without a model: from what is said to what a prompt should say."""
