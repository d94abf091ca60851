//! Wasserstein gradient flows of Riesz-kernel functionals: neural backward and forward schemes and the particle flow.
