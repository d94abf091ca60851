//! Wasserstein gradient flows of discrepancies with Riesz kernels.
