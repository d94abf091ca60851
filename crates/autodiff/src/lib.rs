//! Reverse-mode automatic differentiation of matrix-valued expressions on a reusable arena tape.
