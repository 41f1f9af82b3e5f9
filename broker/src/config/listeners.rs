//! Listeners: where the node binds, how each is secured, which is for whom, what is advertised.
//!
//! The rules are those of Kafka's `KafkaConfig` and `SocketServerConfigs`.

use std::collections::BTreeMap;

use taffrail_metadata::config::{ConfigError, StaticConfig};
use taffrail_quorum::VoterEndpoint;

use super::endpoint::{Endpoint, ListenerName, SecurityProtocol};
use super::error::{invalid, missing, unsupported};
use super::own_keys::OwnKeys;
use super::server_config::Roles;

const LISTENERS: &str = "listeners";
const ADVERTISED: &str = "advertised.listeners";
const PROTOCOL_MAP: &str = "listener.security.protocol.map";
const CONTROLLER_NAMES: &str = "controller.listener.names";
const INTER_BROKER: &str = "inter.broker.listener.name";
const INTER_BROKER_PROTOCOL: &str = "security.inter.broker.protocol";

/// The address that means "every interface", to which nobody can connect.
const META_ADDRESS: &str = "0.0.0.0";

/// One address that the node binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Name, host and port.
    pub(crate) endpoint: Endpoint,
    /// How it is secured.
    pub(crate) protocol: SecurityProtocol,
    /// Whether it is for controllers (`controller.listener.names`) and not for clients and brokers.
    pub(crate) is_controller: bool,
    /// `listener.name.<name>.max.connections`.
    pub(crate) max_connections: u32,
}

/// All listeners of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listeners {
    /// What is bound, in the order of `listeners`.
    pub(crate) bound: Vec<Listener>,
    /// What brokers and clients are told, by listener. Each has a host; a port of 0 stands for the one
    /// that the system gives.
    pub(crate) advertised: Vec<Endpoint>,
    /// What controllers are told, likewise.
    pub(crate) advertised_controllers: Vec<Endpoint>,
    /// The listener that brokers use among themselves; one of those advertised.
    pub(crate) inter_broker: ListenerName,
    /// The listeners that controllers are spoken to on; bound here only with the role controller.
    pub(crate) controllers: Vec<ListenerName>,
}

impl Listeners {
    pub(super) fn resolve(
        config: &StaticConfig,
        own: &OwnKeys,
        roles: Roles,
    ) -> Result<Self, ConfigError> {
        let controllers = controller_names(config)?;
        let inter_broker = inter_broker_name(config)?;
        let bound = bound(config, own, &controllers)?;
        let all = advertised(config, &bound)?;
        let is_controller = |endpoint: &Endpoint| controllers.contains(&endpoint.name);
        let mut listeners = Self {
            advertised: all.iter().filter(|e| !is_controller(e)).cloned().collect(),
            advertised_controllers: advertised_controllers(&all, &bound, &controllers),
            bound,
            inter_broker,
            controllers,
        };
        listeners.check_names(config, roles)?;
        listeners.check_addresses(config)?;
        let machine = machine_name();
        let advertised = listeners.advertised.iter_mut();
        for endpoint in advertised.chain(&mut listeners.advertised_controllers) {
            endpoint.host.get_or_insert_with(|| machine.clone());
        }
        Ok(listeners)
    }

    /// Where this node's controller is reached, in the words of the quorum.
    pub(crate) fn controller_endpoints(&self) -> Vec<VoterEndpoint> {
        let endpoints = self.advertised_controllers.iter().map(|endpoint| VoterEndpoint {
            name: endpoint.name.as_str().to_owned(),
            host: endpoint.host.clone().unwrap_or_default(),
            port: endpoint.port,
        });
        endpoints.collect()
    }

    /// The bound listener of this name.
    pub(crate) fn get(&self, name: &ListenerName) -> Option<&Listener> {
        self.bound.iter().find(|l| l.endpoint.name == *name)
    }

    /// Which names have to stand where, by the node's roles.
    fn check_names(&self, config: &StaticConfig, roles: Roles) -> Result<(), ConfigError> {
        let controller_text = config.text(CONTROLLER_NAMES).unwrap_or_default();
        let wrong = |allowed: &str| invalid(CONTROLLER_NAMES, controller_text, allowed);
        if roles.controller {
            if let Some(name) = self.controllers.iter().find(|n| self.get(n).is_none()) {
                return Err(wrong(&format!("{name} has to stand in {LISTENERS} too")));
            }
            if !roles.broker && self.bound.iter().any(|l| !l.is_controller) {
                return Err(wrong(&format!(
                    "with process.roles=controller every entry of {LISTENERS} has to be in it"
                )));
            }
        } else if self.bound.iter().any(|l| l.is_controller) {
            return Err(wrong(&format!(
                "with process.roles=broker none of them may stand in {LISTENERS}"
            )));
        }
        if roles.broker {
            if self.advertised.is_empty() {
                return Err(wrong("at least one listener has to be left for clients and brokers"));
            }
            let names: Vec<_> = self.advertised.iter().map(|e| e.name.as_str()).collect();
            if !names.contains(&self.inter_broker.as_str()) {
                let allowed = format!("one of the advertised listeners: {}", names.join(", "));
                let value = self.inter_broker.as_str();
                return Err(invalid(INTER_BROKER, value, allowed));
            }
        }
        Ok(())
    }

    fn check_addresses(&self, config: &StaticConfig) -> Result<(), ConfigError> {
        let advertised = self.advertised.iter().chain(&self.advertised_controllers);
        for endpoint in advertised {
            if endpoint.host.as_deref() == Some(META_ADDRESS) {
                let allowed = format!(
                    "{META_ADDRESS} is not an address that anybody can connect to; set {ADVERTISED} \
                     to one that is"
                );
                let key = if config.is_set(ADVERTISED) { ADVERTISED } else { LISTENERS };
                return Err(invalid(key, endpoint.to_string(), allowed));
            }
        }
        Ok(())
    }
}

fn controller_names(config: &StaticConfig) -> Result<Vec<ListenerName>, ConfigError> {
    let names = config.list(CONTROLLER_NAMES);
    let names: Vec<_> = names.iter().map(|name| ListenerName::new(name)).collect();
    if names.is_empty() {
        let allowed = "the names of the listeners of controllers, such as CONTROLLER";
        return Err(missing(CONTROLLER_NAMES, allowed));
    }
    Ok(names)
}

fn inter_broker_name(config: &StaticConfig) -> Result<ListenerName, ConfigError> {
    match (config.string(INTER_BROKER), config.is_set(INTER_BROKER_PROTOCOL)) {
        (Some(name), true) => {
            let allowed = format!("only one of it and {INTER_BROKER_PROTOCOL} may be set");
            Err(invalid(INTER_BROKER, name, allowed))
        }
        (Some(name), false) => Ok(ListenerName::new(&name)),
        // Its default is PLAINTEXT.
        (None, _) => {
            let protocol = config.string(INTER_BROKER_PROTOCOL).unwrap_or_default();
            Ok(ListenerName::new(&protocol))
        }
    }
}

fn bound(
    config: &StaticConfig,
    own: &OwnKeys,
    controllers: &[ListenerName],
) -> Result<Vec<Listener>, ConfigError> {
    let endpoints = parse_endpoints(LISTENERS, &config.list(LISTENERS))?;
    check_distinct(&endpoints)?;
    let map = ProtocolMap::resolve(config, &endpoints, controllers)?;
    let listeners = endpoints.into_iter().map(|endpoint| {
        let protocol = map.protocol(&endpoint.name)?;
        if protocol != SecurityProtocol::Plaintext {
            let reason = format!(
                "the listener {} would need {protocol}; listeners are PLAINTEXT for now",
                endpoint.name
            );
            let entry = format!("{}:{protocol}", endpoint.name);
            return Err(unsupported(PROTOCOL_MAP, entry, reason));
        }
        Ok(Listener {
            protocol,
            is_controller: controllers.contains(&endpoint.name),
            max_connections: own.max_connections(&endpoint.name),
            endpoint,
        })
    });
    let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    // Controllers that aren't bound here are spoken to in a protocol as well.
    for name in controllers {
        map.protocol(name)?;
    }
    Ok(listeners)
}

fn advertised(config: &StaticConfig, bound: &[Listener]) -> Result<Vec<Endpoint>, ConfigError> {
    if !config.is_set(ADVERTISED) {
        return Ok(bound.iter().map(|l| l.endpoint.clone()).collect());
    }
    let endpoints = parse_endpoints(ADVERTISED, &config.list(ADVERTISED))?;
    for (index, endpoint) in endpoints.iter().enumerate() {
        let wrong = |allowed: String| invalid(ADVERTISED, endpoint.to_string(), allowed);
        if endpoints[..index].iter().any(|e| e.name == endpoint.name) {
            return Err(wrong("each listener is advertised once".to_owned()));
        }
        if !bound.iter().any(|l| l.endpoint.name == endpoint.name) {
            let names: Vec<_> = bound.iter().map(|l| l.endpoint.name.as_str()).collect();
            return Err(wrong(format!("one of the {LISTENERS}: {}", names.join(", "))));
        }
    }
    Ok(endpoints)
}

/// Controller listeners are advertised whether `advertised.listeners` names them or not, and one that
/// binds to every interface goes by the machine's name (as Kafka did before it advertised them).
fn advertised_controllers(
    advertised: &[Endpoint],
    bound: &[Listener],
    controllers: &[ListenerName],
) -> Vec<Endpoint> {
    let find = |name: &ListenerName| {
        let explicit = advertised
            .iter()
            .find(|e| e.name == *name && e.host.as_deref() != Some(META_ADDRESS))
            .cloned();
        explicit.or_else(|| {
            let mut endpoint = bound.iter().find(|l| l.endpoint.name == *name)?.endpoint.clone();
            endpoint.host = endpoint.host.filter(|host| host != META_ADDRESS);
            Some(endpoint)
        })
    };
    controllers.iter().filter_map(find).collect()
}

fn parse_endpoints(key: &str, entries: &[String]) -> Result<Vec<Endpoint>, ConfigError> {
    let endpoints = entries.iter().map(|entry| {
        entry.parse().map_err(|_| {
            let allowed = "entries are of the form NAME://host:port, with a port up to 65535";
            invalid(key, entry.clone(), allowed)
        })
    });
    endpoints.collect()
}

/// Names and ports are unique; but one port may be bound once on an IPv4 and once on an IPv6 address.
fn check_distinct(endpoints: &[Endpoint]) -> Result<(), ConfigError> {
    let is_v6 = |e: &Endpoint| e.host.as_deref().is_some_and(|host| host.contains(':'));
    for (index, endpoint) in endpoints.iter().enumerate() {
        for earlier in &endpoints[..index] {
            let allowed = if earlier.name == endpoint.name {
                "each listener has a name of its own"
            } else if endpoint.port != 0
                && earlier.port == endpoint.port
                && is_v6(earlier) == is_v6(endpoint)
            {
                "each listener has a port of its own, but for one IPv4 and one IPv6 address"
            } else {
                continue;
            };
            return Err(invalid(LISTENERS, endpoint.to_string(), allowed));
        }
    }
    Ok(())
}

/// `listener.security.protocol.map`.
struct ProtocolMap(BTreeMap<ListenerName, SecurityProtocol>);

impl ProtocolMap {
    /// Without an explicit map each protocol's name is a listener of that protocol; and as long as only
    /// PLAINTEXT is in use, the listeners of controllers are PLAINTEXT whatever they are called.
    fn resolve(
        config: &StaticConfig,
        endpoints: &[Endpoint],
        controllers: &[ListenerName],
    ) -> Result<Self, ConfigError> {
        if config.is_set(PROTOCOL_MAP) {
            return Self::parse(config);
        }
        let named = SecurityProtocol::ALL.map(|p| (ListenerName::new(p.name()), p));
        let mut map = Self(named.into());
        let is_secured = |name: &ListenerName| {
            let protocol = SecurityProtocol::from_name(name.as_str());
            protocol.is_some_and(|p| p != SecurityProtocol::Plaintext)
        };
        let in_use = endpoints.iter().map(|e| &e.name).chain(controllers);
        if !in_use.into_iter().any(is_secured) {
            for name in controllers {
                map.0.insert(name.clone(), SecurityProtocol::Plaintext);
            }
        }
        Ok(map)
    }

    fn parse(config: &StaticConfig) -> Result<Self, ConfigError> {
        let mut map = BTreeMap::new();
        let text = config.string(PROTOCOL_MAP).unwrap_or_default();
        for entry in text.split(',').map(str::trim) {
            let wrong = |allowed: String| invalid(PROTOCOL_MAP, entry, allowed);
            let (name, protocol) = entry
                .rsplit_once(':')
                .ok_or_else(|| wrong("entries are of the form NAME:PROTOCOL".to_owned()))?;
            let protocol = SecurityProtocol::from_name(protocol.trim())
                .ok_or_else(|| wrong(protocol_names()))?;
            if map.insert(ListenerName::new(name), protocol).is_some() {
                return Err(wrong("each listener stands once in it".to_owned()));
            }
        }
        Ok(Self(map))
    }

    fn protocol(&self, name: &ListenerName) -> Result<SecurityProtocol, ConfigError> {
        self.0.get(name).copied().ok_or_else(|| {
            let allowed = format!(
                "no security protocol is defined for this listener; add {name}:PLAINTEXT to {PROTOCOL_MAP}"
            );
            invalid(LISTENERS, name.as_str(), allowed)
        })
    }
}

/// What a listener on every interface is advertised as, when nothing else is said.
fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" | "(none)" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

fn protocol_names() -> String {
    let names = SecurityProtocol::ALL.map(SecurityProtocol::name);
    format!("protocols are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Properties;

    const BOTH: Roles = Roles { broker: true, controller: true };
    const BROKER: Roles = Roles { broker: true, controller: false };
    const CONTROLLER: Roles = Roles { broker: false, controller: true };

    fn resolve(text: &str, roles: Roles) -> Result<Listeners, String> {
        let mut properties = Properties::parse(text).unwrap();
        let own = OwnKeys::take(&mut properties).unwrap();
        let config = StaticConfig::new(properties.into()).unwrap();
        Listeners::resolve(&config, &own, roles).map_err(|error| error.to_string())
    }

    fn check_error(text: &str, roles: Roles, part: &str) {
        let error = resolve(text, roles).unwrap_err();
        assert!(error.contains(part), "{text:?}: {error}");
    }

    fn texts(endpoints: &[Endpoint]) -> Vec<String> {
        endpoints.iter().map(Endpoint::to_string).collect()
    }

    #[test]
    fn several_listeners_with_their_addresses() {
        let listeners = resolve(
            "listeners=PLAINTEXT://:9092,INTERNAL://127.0.0.1:9094,CONTROLLER://0.0.0.0:9093
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:plaintext
             advertised.listeners=PLAINTEXT://example.org:19092,INTERNAL://10.0.0.1:9094
             inter.broker.listener.name=internal
             controller.listener.names=CONTROLLER
             listener.name.internal.max.connections=5",
            BOTH,
        )
        .unwrap();
        assert_eq!(
            texts(&listeners.advertised),
            ["PLAINTEXT://example.org:19092", "INTERNAL://10.0.0.1:9094"]
        );
        let machine = machine_name();
        let controllers = [format!("CONTROLLER://{machine}:9093")];
        assert_eq!(texts(&listeners.advertised_controllers), controllers);
        assert_eq!(listeners.inter_broker.as_str(), "INTERNAL");
        let of = |name| listeners.get(&ListenerName::new(name)).unwrap();
        assert!(of("controller").is_controller && !of("internal").is_controller);
        assert_eq!(of("INTERNAL").max_connections, 5);
    }

    #[test]
    fn controllers_are_plaintext_unless_said_otherwise() {
        let listeners = resolve(
            "listeners=PLAINTEXT://:9092,QUORUM://:9093\ncontroller.listener.names=QUORUM",
            BOTH,
        )
        .unwrap();
        assert_eq!(listeners.bound[1].protocol, SecurityProtocol::Plaintext);
        let machine = machine_name();
        assert_eq!(texts(&listeners.advertised), [format!("PLAINTEXT://{machine}:9092")]);
    }

    #[test]
    fn names_have_to_fit_the_roles() {
        let c = "controller.listener.names=CONTROLLER";
        check_error("", BOTH, "controller.listener.names is not set");
        check_error(c, BOTH, "CONTROLLER has to stand in listeners too");
        check_error(
            &format!("{c}\nlisteners=PLAINTEXT://:1,CONTROLLER://:2"),
            CONTROLLER,
            "every entry of listeners has to be in it",
        );
        check_error(
            &format!("{c}\nlisteners=PLAINTEXT://:1,CONTROLLER://:2"),
            BROKER,
            "none of them may stand in listeners",
        );
        check_error(
            &format!("{c}\nlisteners=CONTROLLER://:2"),
            BOTH,
            "at least one listener has to be left",
        );
        check_error(
            &format!("{c}\nlisteners=PLAINTEXT://:1,CONTROLLER://:2\ninter.broker.listener.name=X"),
            BOTH,
            "one of the advertised listeners: PLAINTEXT",
        );
        check_error(
            &format!("{c}\ninter.broker.listener.name=X\nsecurity.inter.broker.protocol=PLAINTEXT"),
            BROKER,
            "only one of it",
        );
        assert!(resolve(c, BROKER).is_ok());
        assert!(resolve(&format!("{c}\nlisteners=CONTROLLER://:2"), CONTROLLER).is_ok());
    }

    #[test]
    fn what_cannot_be_bound_or_reached_is_refused() {
        let check = |rest: &str, part| {
            check_error(&format!("controller.listener.names=C\n{rest}"), BROKER, part);
        };
        check("listeners=PLAINTEXT:9092", "NAME://host:port");
        check("listeners=PLAINTEXT://:1,PLAINTEXT://:2", "a name of its own");
        check("listeners=PLAINTEXT://:1,SSL://:1", "a port of its own");
        check("listeners=OTHER://:1", "no security protocol is defined");
        check("listeners=SSL://:1", "listeners are PLAINTEXT for now");
        check("listeners=PLAINTEXT://0.0.0.0:1", "not an address that anybody can connect to");
        check("advertised.listeners=PLAINTEXT://0.0.0.0:1", "not an address");
        check("advertised.listeners=OTHER://h:1", "one of the listeners: PLAINTEXT");
        check("listener.security.protocol.map=PLAINTEXT:TLS", "protocols are PLAINTEXT, SSL");
        check("listener.security.protocol.map=PLAINTEXT", "NAME:PROTOCOL");
        check("listener.security.protocol.map=A:SSL,a:SSL", "stands once");
    }

    #[test]
    fn one_port_may_be_bound_for_each_family() {
        let text = "listeners=PLAINTEXT://127.0.0.1:1,B://[::1]:1,CONTROLLER://:0
                    listener.security.protocol.map=PLAINTEXT:PLAINTEXT,B:PLAINTEXT,CONTROLLER:PLAINTEXT
                    controller.listener.names=CONTROLLER";
        assert_eq!(resolve(text, BOTH).unwrap().bound.len(), 3);
    }
}
