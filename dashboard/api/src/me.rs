//! Who asks.

use serde::Serialize;
use utoipa::ToSchema;
use veglia_people::staff::Staff;
use veglia_people::tokens::Token;

use crate::Moment;

/// The account whose token is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Me {
    /// The name shown on pages.
    pub name: String,
    /// `operator`, `nurse`, `doctor`, `mmg`, `hospital-doctor`, `out-of-hours-doctor`, `admin` or
    /// `auditor`.
    pub role: &'static str,
    /// The token itself.
    pub token: Shown,
}

/// The token that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Shown {
    /// What its owner calls it.
    pub name: String,
    /// What it is for: `ward:read`, `patient:read`, `diary:write`.
    pub scopes: Vec<&'static str>,
    /// When it is over by itself.
    pub expires_at: Moment,
}

impl From<(&Staff, &Token)> for Me {
    fn from((staff, token): (&Staff, &Token)) -> Self {
        Self {
            name: staff.name.clone(),
            role: staff.role.code(),
            token: Shown {
                name: token.name.clone(),
                scopes: token.scopes.iter().map(|scope| scope.code()).collect(),
                expires_at: token.expires.into(),
            },
        }
    }
}
