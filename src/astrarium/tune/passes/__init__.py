"""Forward and backward passes for training: what is frozen gets no gradient, and little is kept in between."""
