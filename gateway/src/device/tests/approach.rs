//! The way to a server: its name, and the race between its addresses.

use super::*;
use crate::wire::Address;
use std::net::SocketAddr;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn addresses(ips: &[&str], port: u16) -> Vec<SocketAddr> {
    ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect()
}

/// At that time, to port 51213.
fn approach(address: &str, now: Duration) -> Approach {
    Approach::new(&address.parse().unwrap(), 51_213, now, &Config::default())
}

/// All that is done at that time.
fn steps(approach: &mut Approach, names: &mut Names, now: Duration) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        let step = approach.step(names, now);
        let last = !matches!(step, Step::Resolve(_) | Step::Connect(_));
        steps.push(step);
        if last {
            return steps;
        }
    }
}

/// Who is dialled first if a question for that name is answered so.
fn first_dialled(name: &str, answer: Option<&[&str]>, names: &mut Names, now: Duration) -> Step {
    let mut approach = approach(name, now);
    assert_eq!(steps(&mut approach, names, now)[0], Step::Resolve(name.to_ascii_lowercase()));
    approach.resolved(answer.map(|ips| addresses(ips, 0)));
    approach.step(names, now)
}

#[test]
fn an_address_is_dialled_at_once() {
    let Address::Ip(ip) = "192.0.2.9".parse().unwrap() else { panic!("an address") };
    let mut approach = approach("192.0.2.9", secs(5));
    let steps = steps(&mut approach, &mut Names::default(), secs(5));
    assert_eq!(steps, [Step::Connect(SocketAddr::new(ip, 51_213)), Step::Wait(None)]);
    approach.failed();
    assert_eq!(approach.step(&mut Names::default(), secs(5)), Step::Failed);
}

#[test]
fn the_newest_good_answer_counts_and_serves_while_there_is_none() {
    let (mut names, now) = (Names::default(), secs(5));
    assert_eq!(first_dialled("portal.example", Some(&[]), &mut names, now), Step::NoAddress);
    let to = |ip: &str| Step::Connect(addresses(&[ip], 51_213)[0]);
    for (spelling, answer, serves) in [
        ("portal.example", Some(["192.0.2.1"].as_slice()), "192.0.2.1"),
        ("Portal.Example", Some(&[]), "192.0.2.1"),
        ("PORTAL.example", None, "192.0.2.1"),
        ("portal.example", Some(&["192.0.2.7"]), "192.0.2.7"),
        ("portal.EXAMPLE", None, "192.0.2.7"),
    ] {
        assert_eq!(first_dialled(spelling, answer, &mut names, now), to(serves), "{spelling} after {answer:?}");
    }
    assert_eq!(first_dialled("other.example", None, &mut names, now), Step::NoAddress);
}

#[test]
fn a_good_answer_is_forgotten_after_a_day() {
    let mut names = Names::default();
    first_dialled("portal.example", Some(&["192.0.2.1"]), &mut names, secs(0));
    let day = secs(24 * 3600);
    assert!(matches!(first_dialled("portal.example", None, &mut names, day), Step::Connect(_)));
    assert_eq!(first_dialled("portal.example", None, &mut names, day + ms(1)), Step::NoAddress);
}

#[test]
fn an_answer_is_waited_for_3_s_and_then_means_nothing() {
    let mut names = Names::default();
    first_dialled("portal.example", Some(&["192.0.2.1"]), &mut names, secs(0));
    let mut approach = approach("portal.example", secs(10));
    assert_eq!(steps(&mut approach, &mut names, secs(10))[1..], [Step::Wait(Some(secs(13)))]);
    assert_eq!(approach.step(&mut names, ms(12_999)), Step::Wait(Some(secs(13))));
    assert_eq!(approach.step(&mut names, secs(13)), Step::Connect(addresses(&["192.0.2.1"], 51_213)[0]));
    approach.resolved(Some(addresses(&["192.0.2.7"], 0)));
    assert_eq!(approach.step(&mut names, secs(13)), Step::Wait(None));
}

#[test]
fn each_address_is_raced_once_250_ms_apart_at_the_right_port() {
    let (mut names, at) = (Names::default(), |after| secs(20) + ms(after));
    let mut approach = approach("portal.example", at(0));
    steps(&mut approach, &mut names, at(0));
    let [first, second] = ["192.0.2.1", "2001:db8::1"];
    approach.resolved(Some(addresses(&[first, second, first], 80)));
    let to = |ip: &str| Step::Connect(addresses(&[ip], 51_213)[0]);
    assert_eq!(steps(&mut approach, &mut names, at(7)), [to(first), Step::Wait(Some(at(257)))]);
    // One that fails at once does not hurry the next.
    approach.failed();
    assert_eq!(approach.step(&mut names, at(256)), Step::Wait(Some(at(257))));
    assert_eq!(steps(&mut approach, &mut names, at(257)), [to(second), Step::Wait(None)]);
    approach.failed();
    assert_eq!(approach.step(&mut names, at(300)), Step::Failed);
}

/// Server 1 and 3 have names.
fn named(number: u64) -> ServerList {
    let entries = [(1, "One.example", 50_001), (2, "192.0.2.1", 50_002), (3, "three.example", 50_003)];
    ServerList::new(1, number, None, Entries::parse(entries).unwrap())
}

#[test]
fn a_session_resolves_all_names_of_its_list_at_once_and_hourly() {
    let mut world = World::with(Config::default(), 1, named(1));
    world.run(24 * 3600);
    assert!(world.asked.iter().all(|(_, names)| names == &["One.example", "three.example"]), "{:?}", world.asked);
    assert!(world.asked[0].0 < secs(1001), "{:?}", world.asked[0]);
    let gaps: Vec<_> = world.asked.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_secs()).collect();
    assert!((19..=30).contains(&gaps.len()) && gaps.iter().all(|gap| (2880..=4320).contains(gap)), "{gaps:?}");
    world.set_all(Health::Silent);
    world.run(3600);
    let asked = world.asked.len();
    world.run(10 * 3600);
    assert_eq!(world.asked.len(), asked, "without a session it asks when it dials");
}

#[test]
fn names_of_a_new_list_are_asked_for_when_it_is_kept() {
    let mut world = World::new(2, &[1, 2]);
    world.run(10_000);
    assert_eq!(world.asked, []);
    world.wanted = Some(named(2));
    world.set(1, Health::Refusing);
    world.run(100);
    assert_eq!(world.disk.lists.committed, named(2));
    let kept_at = world.asked.last().expect("its names are asked for").0;
    world.run(4 * 3600);
    assert!(world.asked.windows(2).all(|pair| pair[1].0 > pair[0].0), "{:?}", world.asked);
    assert!(world.asked.last().unwrap().0 > kept_at, "and again");
}
