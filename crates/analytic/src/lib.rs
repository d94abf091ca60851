//! Closed forms of Wasserstein gradient flows with Riesz kernels.
