"""What separates good answers from bad ones: phrases, clusters of inputs, features of outputs, labels, versions."""
