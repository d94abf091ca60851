//! Multilayer perceptrons and the Adam optimiser on flat parameter vectors.
