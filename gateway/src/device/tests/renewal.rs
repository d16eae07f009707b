//! A certificate that comes to its end, over servers that renew it, refuse, or do not know how.

use super::*;
use crate::wire::Message;
use rand::Rng as _;

const DAY: u64 = 86_400;

impl World {
    /// The disk takes any certificate that names its life.
    pub(super) fn keep_certificate(&mut self, attempt: AttemptId, der: &[u8]) {
        let text = std::str::from_utf8(der).unwrap();
        let kept = match text.split_once(' ') {
            None => Err("this is for somebody else".to_owned()),
            Some((begins, ends)) => {
                Ok(CertificateLife { begins_unix_s: begins.parse().unwrap(), ends_unix_s: ends.parse().unwrap() })
            }
        };
        if let Ok(life) = kept {
            let cut = self.rng.random_bool(self.cut_at_write);
            if !cut || self.rng.random() {
                self.life = Some(life);
            }
            if cut {
                return self.restart();
            }
        }
        self.device.handle_input(Input::CertificateKept(attempt, kept), self.now);
    }

    /// The certificate began and ends so many days before and after now, by the servers' clocks.
    fn lives(&mut self, begun: u64, left: i64) {
        let now = self.server_time_ms() / 1000;
        let ends_unix_s = now.saturating_add_signed(left * i64::try_from(DAY).unwrap());
        self.life = Some(CertificateLife { begins_unix_s: now - begun * DAY, ends_unix_s });
        self.restart();
    }

    /// Servers hand out certificates of ten years from now.
    fn renews(&mut self) -> CertificateLife {
        let begins_unix_s = self.server_time_ms() / 1000;
        let life = CertificateLife { begins_unix_s, ends_unix_s: begins_unix_s + 3652 * DAY };
        let certificate = format!("{} {}", life.begins_unix_s, life.ends_unix_s).into_bytes();
        self.renewal = Some(Message::CertificateRenewed { certificate });
        life
    }

    fn requests(&self) -> usize {
        self.sent.iter().filter(|message| matches!(message, Message::RenewCertificate { .. })).count()
    }
}

#[test]
fn two_thirds_of_its_life_go_by_before_it_is_renewed() {
    let mut world = World::new(1, &[1, 2]);
    world.lives(2, 1);
    let life = world.renews();
    world.run(70);
    assert_eq!((world.requests(), world.life), (1, Some(life)));
    assert_eq!(world.connected(), Some(1), "a session goes on with the certificate that it began with");
    world.run(7200);
    assert_eq!((world.requests(), world.dialled()), (1, vec![1]));
}

#[test]
fn a_session_that_lasts_until_then_renews_it_too() {
    let mut world = World::new(2, &[1, 2]);
    world.lives(1, 2);
    let life = world.renews();
    world.run(DAY - 10);
    assert_eq!(world.requests(), 0);
    world.run(80);
    assert_eq!((world.requests(), world.life), (1, Some(life)));
}

#[test]
fn devices_ask_each_at_its_own_moment() {
    let mut moments = Vec::new();
    for seed in 0..8 {
        let mut world = World::new(seed, &[1]);
        world.lives(3, 1);
        world.until_connected(10);
        let begun = world.now;
        while world.requests() == 0 {
            world.step(begun + secs(60));
        }
        moments.push((world.now - begun).as_secs());
    }
    moments.dedup();
    assert!(moments.len() > 4, "{moments:?}");
}

#[test]
fn a_refused_renewal_is_retried_in_an_hour_and_the_next_session() {
    let mut world = World::new(3, &[1, 2]);
    world.lives(3, 1);
    world.renewal = Some(Message::RenewalRefused { text: "not here".into() });
    world.run(3600);
    assert_eq!(world.requests(), 1);
    assert!(world.notes.contains(&Happening::NotRenewed("not here".into())));
    world.run(120);
    assert_eq!(world.requests(), 2);
    world.set(1, Health::Refusing);
    world.run(120);
    assert_eq!((world.requests(), world.connected()), (3, Some(2)));
}

#[test]
fn a_server_that_does_not_know_renewals_still_gets_events() {
    let mut world = World::new(4, &[1]);
    world.lives(3, 1);
    world.renewal = Some(Message::Unsupported { message: 0 });
    world.run(100);
    assert_eq!(world.requests(), 1);
    let before = world.answered;
    world.log(3);
    world.run(10);
    assert!(world.answered > before);
}

#[test]
fn a_foreign_or_unrequested_certificate_is_not_taken() {
    let mut world = World::new(5, &[1]);
    world.lives(1, 1000);
    let before = world.life;
    world.run(10);
    world.renews();
    let unasked = world.renewal.clone().unwrap();
    world.say(unasked);
    world.run(10);
    assert_eq!((world.life, world.connected()), (before, Some(1)));

    world.lives(3, 1);
    let before = world.life;
    world.renewal = Some(Message::CertificateRenewed { certificate: b"other".to_vec() });
    world.run(100);
    assert_eq!((world.requests(), world.life, world.connected()), (1, before, Some(1)));
}

#[test]
fn a_device_with_an_expired_certificate_returns_with_a_new_one() {
    let mut world = World::new(6, &[1, 2]);
    world.lives(3660, -8);
    world.dialled();
    let life = world.renews();
    world.run(70);
    assert_eq!((world.life, world.connected()), (Some(life), Some(1)));
    assert_eq!(world.dialled(), [1, 1]);
    world.run(7200);
    assert_eq!((world.requests(), world.dialled()), (1, vec![]));
}

#[test]
fn power_cuts_leave_one_whole_certificate_renewed_in_the_end() {
    for seed in 0..200 {
        let mut world = World::new(seed, &[1, 2]);
        world.lives(3, 1);
        let old = world.life;
        let new = Some(world.renews());
        world.cut_at_write = 0.3;
        world.run(600);
        assert!(world.life == old || world.life == new, "{:?}", world.life);
        world.cut_at_write = 0.0;
        world.run(3800);
        assert_eq!(world.life, new, "seed {seed}");
    }
}
