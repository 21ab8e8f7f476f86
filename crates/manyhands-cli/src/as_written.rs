//! Configurations read without their variables.

use manyhands_config::Variables;

/// Leaves every reference as the file has it: what it stands for may be secret, and is not what is trusted.
pub(crate) struct AsWritten;

impl Variables for AsWritten {
    fn get(&self, name: &str) -> Option<String> {
        Some(format!("${{{name}}}"))
    }

    fn input(&self, id: &str) -> Option<String> {
        Some(format!("${{input:{id}}}"))
    }
}
