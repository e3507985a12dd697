//! Plans: pairs of configurations with what is shown of them, and what every plan obeys.

mod generate;
mod golden;
mod laws;
