use super::*;

#[test]
fn only_compose_files_are_claimed() {
    let claim = |name: &str, text: &str| claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
    let text = "services:\n  a:\n    image: x\n";
    assert_eq!(claim("docker-compose.gpu.yml", text), Claim::Certain);
    assert_eq!(claim("compose.yaml", "services:\n  a: {image: x}\n"), Claim::Certain);
    assert_eq!(claim("stack.yml", text), Claim::Likely);
    assert_eq!(claim("composer.yml", text), Claim::Likely);
    assert_eq!(claim(".gitlab-ci.yml", "image: x\nservices:\n  - postgres\n"), Claim::No);
    assert_eq!(claim("ci.yml", "jobs:\n  a:\n    services:\n      db:\n        image: x\n"), Claim::No);
    assert_eq!(claim("values.yaml", "image:\n  tag: x\n"), Claim::No);
    assert_eq!(claim("compose.json", text), Claim::No);
}
