"""Guards: rules that drop candidates which are probably false negatives."""
