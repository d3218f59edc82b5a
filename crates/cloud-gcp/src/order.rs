//! What is ordered when servers are made, and what can be known to be wrong with it beforehand.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use yunhai_cloud::NewServer;

use crate::compute::{Image, MachineType, Quota, region_of};

/// The user that an SSH key is given to where it names none.
const SSH_USER: &str = "yunhai";

/// How many characters names and labels have at most.
const LONGEST: usize = 63;

/// The names of the servers: of several each has a number.
pub(crate) fn names(new: &NewServer) -> Vec<String> {
    match new.count {
        0 | 1 => vec![new.name.clone()],
        count => (1..=count)
            .map(|number| format!("{}-{number}", new.name))
            .collect(),
    }
}

/// What is wrong by itself, whatever there is in the cloud.
pub(crate) fn faults(new: &NewServer) -> Vec<String> {
    let mut faults = Vec::new();
    if new.count == 0 {
        faults.push("the number of servers is 0".to_owned());
    }
    for name in names(new).iter().filter(|name| !is_name(name)) {
        faults.push(format!(
            "the name `{name}`: small letters, digits and `-` only, beginning with a letter, at \
             most {LONGEST}"
        ));
    }
    if let Some(zone) = new
        .zone
        .as_deref()
        .filter(|zone| region_of(zone) != new.region)
    {
        faults.push(format!("the zone {zone} is not in {}", new.region));
    }
    for tag in new.security_groups.iter().filter(|tag| !is_name(tag)) {
        faults.push(format!("the network tag `{tag}`: as names are"));
    }
    for (key, value) in &new.tags {
        let is_key = key.starts_with(char::is_lowercase) && is_label(key);
        if !is_key || !is_label(value) {
            faults.push(format!(
                "the label `{key}={value}`: small letters, digits, `_` and `-` only, at most \
                 {LONGEST}, the key beginning with a letter"
            ));
        }
    }
    if image_path(&new.image, "my-project").is_none() {
        faults.push(format!(
            "the image `{}`: it looks like projects/debian-cloud/global/images/family/debian-12",
            new.image
        ));
    }
    if !is_name(&new.instance_type) {
        faults.push(format!(
            "the type `{}`: it looks like e2-medium",
            new.instance_type
        ));
    }
    faults
}

/// Why a type and an image that exist do not make the server.
pub(crate) fn misfits(new: &NewServer, size: &MachineType, image: &Image) -> Vec<String> {
    let mut faults = Vec::new();
    if let (Some(of_size), Some(of_image)) = (&size.architecture, &image.architecture)
        && of_size != of_image
        && !of_image.starts_with("ARCHITECTURE_UNSPECIFIED")
    {
        faults.push(format!(
            "the type {} does not run the image {}, which is made for {of_image}",
            new.instance_type, new.image
        ));
    }
    let needed = image
        .disk_size_gb
        .as_deref()
        .and_then(|size| size.parse::<u32>().ok());
    if let (Some(size_gib), Some(needed)) = (new.disk_gib, needed)
        && size_gib < needed
    {
        faults.push(format!(
            "the disk of {size_gib} GiB is smaller than the image {}, which needs {needed}",
            new.image
        ));
    }
    if let Some(status) = image.status.as_deref().filter(|status| *status != "READY") {
        faults.push(format!("the image {} is not ready: {status}", new.image));
    }
    faults
}

/// Which limits of the project in the region would be passed.
pub(crate) fn beyond_quota(new: &NewServer, size: &MachineType, quotas: &[Quota]) -> Vec<String> {
    let family = new.instance_type.split('-').next().unwrap_or_default();
    let of_family = format!("{}_CPUS", family.to_uppercase());
    let has_own = quotas.iter().any(|quota| quota.metric == of_family);
    let cpus = if has_own { &*of_family } else { "CPUS" };
    let wanted = [
        ("INSTANCES", f64::from(new.count)),
        (cpus, f64::from(new.count) * f64::from(size.guest_cpus)),
    ];
    wanted
        .into_iter()
        .filter_map(|(metric, wanted)| {
            let quota = quotas.iter().find(|quota| quota.metric == metric)?;
            (quota.usage + wanted > quota.limit).then(|| {
                format!(
                    "the quota {metric} of {} is {}, of which {} are used; {wanted} more are needed",
                    new.region, quota.limit, quota.usage
                )
            })
        })
        .collect()
}

/// The `Instance` that `instances.insert` takes.
pub(crate) fn instance(new: &NewServer, name: &str, project: &str, zone: &str) -> Option<Value> {
    let mut disk = json!({
        "boot": true,
        "autoDelete": true,
        "initializeParams": { "sourceImage": image_path(&new.image, project)? },
    });
    if let Some(size_gib) = new.disk_gib {
        disk["initializeParams"]["diskSizeGb"] = json!(size_gib.to_string());
    }
    let mut metadata = Vec::new();
    if let Some(key) = &new.ssh_key {
        metadata.push(json!({ "key": "ssh-keys", "value": with_user(key) }));
    }
    if let Some(user_data) = &new.user_data {
        metadata.push(json!({ "key": "user-data", "value": user_data.expose() }));
    }
    let mut interface = match &new.subnet {
        Some(subnet) => json!({ "subnetwork": subnet_path(subnet, project, &new.region) }),
        None => json!({ "network": format!("projects/{project}/global/networks/default") }),
    };
    if new.subnet.is_none() {
        // The default network has no other way to the Internet, which a first start needs.
        interface["accessConfigs"] = json!([{ "type": "ONE_TO_ONE_NAT", "name": "External NAT" }]);
    }
    Some(json!({
        "name": name,
        "machineType": format!(
            "projects/{project}/zones/{zone}/machineTypes/{}", new.instance_type
        ),
        "disks": [disk],
        "networkInterfaces": [interface],
        "metadata": { "items": metadata },
        "tags": { "items": new.security_groups },
        "labels": new.tags,
        "deletionProtection": new.is_protected,
    }))
}

/// The path of an image that is given as a path, an address, or within the project.
pub(crate) fn image_path(image: &str, project: &str) -> Option<String> {
    let path = match image.find("projects/") {
        Some(at) => image[at..].to_owned(),
        None if image.starts_with("global/images/") => format!("projects/{project}/{image}"),
        None if image.starts_with("family/") => format!("projects/{project}/global/images/{image}"),
        None if !image.contains('/') => format!("projects/{project}/global/images/{image}"),
        None => return None,
    };
    let parts: Vec<&str> = path.split('/').collect();
    let is_image = match parts[..] {
        ["projects", project, "global", "images", "family", name]
        | ["projects", project, "global", "images", name] => {
            is_project(project) && is_name(name) && name != "family"
        }
        _ => false,
    };
    is_image.then_some(path)
}

fn subnet_path(subnet: &str, project: &str, region: &str) -> String {
    match subnet.find("projects/") {
        Some(at) => subnet[at..].to_owned(),
        None => format!("projects/{project}/regions/{region}/subnetworks/{subnet}"),
    }
}

/// Google's form of a key names the user before it: `ada:ssh-ed25519 AAAA…`.
fn with_user(key: &str) -> String {
    let key = key.trim();
    let has_user = key
        .split_once(':')
        .is_some_and(|(user, _)| !user.is_empty() && !user.contains(char::is_whitespace));
    if has_user {
        key.to_owned()
    } else {
        format!("{SSH_USER}:{key}")
    }
}

/// A UUID made of words, so that the same order is known again; Google wants that form.
pub(crate) fn request_id(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_be_bytes());
        hash.update(word);
    }
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid(bytes, 8)
}

/// A UUID that nobody has had.
pub(crate) fn new_request_id() -> String {
    let mut bytes = [0; 16];
    // Without chance an order could not be told from another one.
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    uuid(bytes, 4)
}

fn uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// RFC 1035, as names of resources are.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(is_of_name)
}

fn is_project(text: &str) -> bool {
    let is_of = |c: char| is_of_name(c) || c == '.' || c == ':';
    !text.is_empty() && text.chars().all(is_of)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

fn is_label(text: &str) -> bool {
    let is_of = |c: char| {
        c == '-' || c == '_' || c.is_numeric() || (c.is_alphabetic() && !c.is_uppercase())
    };
    text.chars().count() <= LONGEST && text.chars().all(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(change: &Value) -> NewServer {
        let mut order = json!({
            "name": "web",
            "region": "europe-west3",
            "image": "projects/debian-cloud/global/images/family/debian-12",
            "instance_type": "e2-medium",
        });
        for (key, value) in change.as_object().unwrap() {
            order[key] = value.clone();
        }
        serde_json::from_value(order).unwrap()
    }

    #[test]
    fn what_google_does_not_take_is_found_out_before() {
        assert_eq!(faults(&order(&json!({}))), Vec::<String>::new());
        for (change, word) in [
            (json!({ "name": "Web" }), "name"),
            (json!({ "zone": "europe-west1-b" }), "zone"),
            (json!({ "tags": { "Team": "web" } }), "label"),
            (json!({ "tags": { "team": "the web" } }), "label"),
            (json!({ "security_groups": ["_"] }), "network tag"),
            (json!({ "image": "debian/12" }), "image"),
            (
                json!({ "image": "projects/x/../y/global/images/z" }),
                "image",
            ),
            (json!({ "instance_type": "../x" }), "type"),
            (json!({ "count": 0 }), "number"),
        ] {
            let found = faults(&order(&change));
            assert_eq!(found.len(), 1, "{change}: {found:?}");
            assert!(found[0].contains(word), "{change}: {found:?}");
        }
    }

    #[test]
    fn images_go_by_path_address_and_name() {
        let family = "projects/debian-cloud/global/images/family/debian-12";
        for image in [
            family,
            "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/family/debian-12",
        ] {
            assert_eq!(image_path(image, "mine").as_deref(), Some(family));
        }
        for (image, path) in [
            ("golden-7", "projects/mine/global/images/golden-7"),
            ("family/golden", "projects/mine/global/images/family/golden"),
            (
                "global/images/golden-7",
                "projects/mine/global/images/golden-7",
            ),
        ] {
            assert_eq!(image_path(image, "mine").as_deref(), Some(path));
        }
    }

    #[test]
    fn a_quota_of_the_family_goes_before_that_of_all() {
        let quota = |metric: &str, limit, usage| Quota {
            metric: metric.to_owned(),
            limit,
            usage,
        };
        let quotas = [
            quota("CPUS", 8.0, 7.0),
            quota("N2_CPUS", 16.0, 0.0),
            quota("INSTANCES", 3.0, 1.0),
        ];
        let size = MachineType {
            guest_cpus: 2,
            architecture: None,
        };
        let beyond = |change: Value| beyond_quota(&order(&change), &size, &quotas);
        assert!(beyond(json!({}))[0].contains("CPUS of europe-west3 is 8"));
        assert_eq!(
            beyond(json!({ "instance_type": "n2-standard-2" })),
            Vec::<String>::new()
        );
        let many = json!({ "instance_type": "n2-standard-2", "count": 3 });
        assert!(beyond(many)[0].contains("INSTANCES"));
    }

    #[test]
    fn the_same_words_make_the_same_request() {
        let id = request_id(&["token", "web-1"]);
        assert_eq!(id, request_id(&["token", "web-1"]));
        assert_ne!(id, request_id(&["tokenw", "eb-1"]));
        assert_ne!(new_request_id(), new_request_id());
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn a_key_is_given_to_a_user() {
        assert_eq!(
            with_user("ssh-ed25519 AAAA a:b"),
            "yunhai:ssh-ed25519 AAAA a:b"
        );
        assert_eq!(with_user("ada:ssh-ed25519 AAAA"), "ada:ssh-ed25519 AAAA");
    }
}
