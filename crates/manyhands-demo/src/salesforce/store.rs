//! What the server "salesforce" keeps in memory: leads, and what can be done with them.
//!
//! It knows nothing of MCP but the shape of a tool's error.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::UpdateLeadStage;
use crate::{data, tool::ToolError};

/// Everything that the server knows.
#[derive(Deserialize)]
pub(super) struct Memory {
    pub(super) leads: Vec<Lead>,
}

/// A company that may become a customer.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
pub(super) struct Lead {
    /// Identifier, for example "lead-601".
    pub(super) id: String,
    /// The company.
    pub(super) company: String,
    /// Whom we talk to there.
    pub(super) contact: String,
    /// Who of us looks after the lead.
    pub(super) owner: String,
    /// What the deal would bring in a year, in US dollars.
    pub(super) value_usd: u32,
    /// The stage it has reached.
    pub(super) stage: Stage,
    /// The stage before; null for a lead that is new.
    pub(super) previous_stage: Option<Stage>,
    /// The day on which it reached its stage, as YYYY-MM-DD.
    pub(super) stage_since: String,
    /// True while a colleague has the lead open for editing, so that it cannot be changed.
    pub(super) being_edited: bool,
}

/// A step on the way from a first contact to a contract.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub(super) enum Stage {
    New,
    Qualification,
    Proposal,
    Negotiation,
    Won,
    Lost,
}

impl Memory {
    pub(super) fn lead(&self, id: &str) -> Result<&Lead, ToolError> {
        self.leads
            .iter()
            .find(|lead| lead.id == id)
            .ok_or_else(|| unknown_lead(id))
    }

    pub(super) fn update(&mut self, input: &UpdateLeadStage) -> Result<Lead, ToolError> {
        let lead = self
            .leads
            .iter_mut()
            .find(|lead| lead.id == input.id)
            .ok_or_else(|| unknown_lead(&input.id))?;
        if lead.being_edited {
            return Err(ToolError::transient(
                "lead_being_edited",
                format!("{} has {} open; try again in a minute", lead.owner, lead.id),
            ));
        }
        if lead.stage != input.stage {
            lead.previous_stage = Some(lead.stage);
            lead.stage = input.stage;
            data::TODAY.clone_into(&mut lead.stage_since);
        }
        Ok(lead.clone())
    }
}

impl Lead {
    pub(super) fn news(&self) -> String {
        let Self {
            company,
            stage,
            value_usd,
            ..
        } = self;
        match self.previous_stage {
            Some(before) => format!(
                "; the top one, {company} ({value_usd} USD), has moved from {before} to {stage}"
            ),
            None => format!("; the top one is {company} ({value_usd} USD), in {stage}"),
        }
    }
}

impl Stage {
    pub(super) fn is_open(self) -> bool {
        !matches!(self, Self::Won | Self::Lost)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::New => "new",
            Self::Qualification => "qualification",
            Self::Proposal => "proposal",
            Self::Negotiation => "negotiation",
            Self::Won => "won",
            Self::Lost => "lost",
        };
        f.write_str(name)
    }
}

fn unknown_lead(id: &str) -> ToolError {
    ToolError::permanent(
        "lead_not_found",
        format!("no lead {id:?}; find its id with top_leads"),
    )
}
