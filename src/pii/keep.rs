//! The values of `keep`, which are never redacted: globs, and networks for addresses.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::name::{Pattern, PatternKind};
use crate::pii::kind::Kind;

#[derive(Clone, Debug, Default)]
pub(super) struct Keep {
    patterns: Vec<(Kind, Pattern)>,
    networks: Vec<IpNet>,
}

impl Keep {
    /// One more value of `kind`. Numbers are compared by their digits, addresses of mail without regard to case.
    pub(super) fn insert(&mut self, kind: Kind, text: &str) {
        if kind == Kind::Ip {
            let network = text
                .parse::<IpNet>()
                .ok()
                .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            if let Some(network) = network {
                self.networks.push(network);
                return;
            }
        }
        if let Ok(pattern) = Pattern::new(PatternKind::Name, &normal(kind, text)) {
            self.patterns.push((kind, pattern));
        }
    }

    pub(super) fn holds(&self, kind: Kind, value: &[u8]) -> bool {
        if !self.patterns.iter().any(|(of, _)| *of == kind) {
            return false;
        }
        // A byte that is no text is some character that nobody names: `*` covers it, nothing else does.
        let value = normal(kind, &String::from_utf8_lossy(value));
        self.patterns
            .iter()
            .any(|(of, pattern)| *of == kind && pattern.is_match(&value))
    }

    pub(super) fn holds_address(&self, address: IpAddr, written: &[u8]) -> bool {
        let plain = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address) || network.contains(&plain))
            || self.holds(Kind::Ip, written)
    }
}

/// Numbers by their digits: `+1 (415) 555-2671` is kept by `415-555-2671`.
fn normal(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Email => text.to_lowercase(),
        Kind::Phone | Kind::Ssn | Kind::CreditCard if !text.contains('[') => {
            let digits: String = text
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || "*?{},".contains(*c))
                .collect();
            let country = kind == Kind::Phone && digits.len() > 10 && digits.starts_with('1');
            digits[usize::from(country)..].to_owned()
        }
        _ => text.to_owned(),
    }
}
