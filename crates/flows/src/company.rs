//! A second thread that stays awake, for pieces of work too short to wake one.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Runs `work` on this thread while another one of the pool stands by and takes its share of what
/// `work` gives to [`rayon::join`]; alone on a thread that belongs to no pool.
///
/// The layers of a small network take microseconds, less than it takes to wake a thread. If the other
/// thread runs on a core that shares no cache, even that is not worth what travels between them; so
/// `work` goes by rounds, and tells when one is [over](Rounds::round).
pub(crate) fn in_company<R>(work: impl FnOnce(&mut Rounds<'_>) -> R) -> R {
    let company = Company::default();
    let mut rounds = Rounds::new(&company);
    if !is_of_a_pool() {
        return work(&mut rounds);
    }
    let own = rayon::current_thread_index();
    rayon::in_place_scope(|scope| {
        scope.spawn(|_| {
            // On this thread it would wait for itself.
            if rayon::current_thread_index() != own {
                company.stand_by();
            }
        });
        let _done = SetInTheEnd(&company.done);
        work(&mut rounds)
    })
}

/// What this thread and the one that stands by tell each other.
#[derive(Default)]
struct Company {
    /// The other thread need not help.
    rests: AtomicBool,
    done: AtomicBool,
    /// Odd when this thread has thrown it, even when the other one has thrown it back.
    ball: AtomicU32,
}

/// How long the other thread sleeps at a time while it rests.
const NAP: Duration = Duration::from_micros(100);
/// The ball is thrown so often.
const THROWS: u32 = 16;
/// Looks for the ball before it is given up.
const PATIENCE: u32 = 10_000;
/// Within a cache the ball is back after some 100 ns, elsewhere after 300 and more.
const FAR: Duration = Duration::from_nanos(200);

impl Company {
    fn stand_by(&self) {
        while !self.done.load(Ordering::Relaxed) {
            if self.rests.load(Ordering::Relaxed) {
                std::thread::sleep(NAP);
                continue;
            }
            self.throw_back();
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                std::thread::yield_now();
            }
        }
    }

    /// Throws the ball back as long as it comes.
    fn throw_back(&self) {
        let mut looks = 0;
        let mut ball = self.ball.load(Ordering::Acquire);
        while (1..2 * THROWS).contains(&ball) && looks < PATIENCE {
            looks += 1;
            if ball % 2 == 1 {
                // Unless it has just been given up.
                let (thrown, not) = (Ordering::Release, Ordering::Relaxed);
                let _ = self.ball.compare_exchange(ball, ball + 1, thrown, not);
                looks = 0;
            }
            ball = self.ball.load(Ordering::Acquire);
        }
    }

    /// The least time in which the other thread throws the ball back, if it is there within so many
    /// looks.
    fn distance(&self, patience: u32) -> Option<Duration> {
        let mut least = Duration::MAX;
        for throw in 0..THROWS {
            let since = Instant::now();
            self.ball.store(2 * throw + 1, Ordering::Release);
            let is_back = |_| self.ball.load(Ordering::Acquire) == 2 * throw + 2;
            if !(0..patience).any(is_back) {
                self.ball.store(2 * THROWS, Ordering::Release);
                return None;
            }
            least = least.min(since.elapsed());
        }
        Some(least)
    }
}

/// After so many rounds the other thread is awake, and often on a core of its own.
const AWAKE: u32 = 50;
/// A longer round is better shared, however far the other core is.
const SHORT: Duration = Duration::from_micros(200);

/// Counts the rounds, and lets the other thread rest if they are short and it is far away.
pub(crate) struct Rounds<'a> {
    company: &'a Company,
    patience: u32,
    distance: Option<Duration>,
    /// Since the distance was last looked for.
    over: u32,
    since: Instant,
}

impl<'a> Rounds<'a> {
    fn new(company: &'a Company) -> Self {
        Self {
            company,
            patience: PATIENCE,
            distance: None,
            over: 0,
            since: Instant::now(),
        }
    }

    /// A round of the work is over.
    pub(crate) fn round(&mut self) {
        if self.distance.is_some() {
            return;
        }
        self.over += 1;
        if self.over == AWAKE {
            self.since = Instant::now();
        } else if self.over > AWAKE {
            let round = self.since.elapsed();
            self.over = 0;
            self.distance = self.company.distance(self.patience);
            let rests = self.distance.is_some_and(|far| !company_pays(round, far));
            self.company.rests.store(rests, Ordering::Relaxed);
        }
    }
}

/// Whether it pays to share a round of this time with a thread at this distance.
fn company_pays(round: Duration, distance: Duration) -> bool {
    round > SHORT || distance < FAR
}

/// [`rayon::join`], or one after the other on a thread that would have to hand both to a pool.
pub(crate) fn join<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if is_of_a_pool() {
        rayon::join(a, b)
    } else {
        (a(), b())
    }
}

fn is_of_a_pool() -> bool {
    rayon::current_thread_index().is_some()
}

/// Sets the flag even if the work panics.
struct SetInTheEnd<'a>(&'a AtomicBool);

impl Drop for SetInTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::time::Duration;

    use rayon::{ThreadPool, ThreadPoolBuilder};

    use super::*;

    fn pool(threads: usize) -> ThreadPool {
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        builder.build().expect("threads")
    }

    #[test]
    fn work_is_done_alone_and_in_company() {
        let work = || in_company(|_| join(|| 1, || 2));
        assert_eq!(work(), (1, 2));
        for threads in [1, 2, 3] {
            assert_eq!(pool(threads).install(work), (1, 2));
        }
    }

    /// Each half waits for the other, so one thread alone, or one that only waits, would not end.
    #[test]
    fn the_thread_that_stands_by_takes_its_share() {
        let both = Barrier::new(2);
        let meet = || {
            both.wait();
        };
        pool(2).install(|| in_company(|_| join(meet, meet)));
    }

    /// Who waits for another pool takes up what lies in its own queue.
    #[test]
    fn the_only_thread_does_not_stand_by_for_itself() {
        let other = pool(1);
        let slowly = || {
            std::thread::sleep(Duration::from_millis(20));
            7
        };
        let found = pool(1).install(|| in_company(|_| other.install(slowly)));
        assert_eq!(found, 7);
    }

    #[test]
    fn short_rounds_are_not_shared_with_a_far_core() {
        let [near, far] = [65, 340].map(Duration::from_nanos);
        let [short, long] = [80, 8000].map(Duration::from_micros);
        assert!(!company_pays(short, far));
        assert!(company_pays(short, near));
        assert!(company_pays(long, far));
    }

    /// At first nobody throws the ball back, then one who does it late, as from far away.
    #[test]
    fn rounds_let_a_far_thread_rest() {
        let come_to_rest = || {
            let company = Company::default();
            let mut rounds = Rounds::new(&company);
            (0..=AWAKE).for_each(|_| rounds.round());
            assert!(!company.rests.load(Ordering::Relaxed));
            rounds.patience = u32::MAX;
            std::thread::scope(|scope| {
                scope.spawn(|| throw_back_late(&company));
                let _done = SetInTheEnd(&company.done);
                (0..=AWAKE).for_each(|_| rounds.round());
            });
            company.rests.load(Ordering::Relaxed)
        };
        // The system may interrupt a round, and make it a long one.
        assert!((0..100).any(|_| come_to_rest()));
    }

    fn throw_back_late(company: &Company) {
        while !company.done.load(Ordering::Relaxed) {
            let ball = company.ball.load(Ordering::Acquire);
            let since = Instant::now();
            while ball % 2 == 1 && since.elapsed() < 2 * FAR {}
            let back = ball + ball % 2;
            let (thrown, not) = (Ordering::Release, Ordering::Relaxed);
            let _ = company.ball.compare_exchange(ball, back, thrown, not);
        }
    }

    #[test]
    fn who_rests_takes_nothing() {
        let slowly = || {
            std::thread::sleep(Duration::from_millis(20));
            rayon::current_thread_index()
        };
        // Whose rest is over takes one half again, or neither would end.
        let both = Barrier::new(2);
        let meet = || {
            both.wait();
        };
        let threads = pool(2).install(|| {
            in_company(|rounds| {
                rounds.company.rests.store(true, Ordering::Relaxed);
                slowly();
                let threads = join(slowly, rayon::current_thread_index);
                rounds.company.rests.store(false, Ordering::Relaxed);
                join(meet, meet);
                threads
            })
        });
        assert_eq!(threads.0, threads.1);
    }

    /// One way alone is longer than a few nanoseconds.
    #[test]
    fn the_distance_is_found_if_there_is_another_thread() {
        let found = pool(2).install(|| in_company(|rounds| rounds.company.distance(u32::MAX)));
        assert!(found.is_some_and(|time| time > Duration::from_nanos(5)));
        // Given up, nobody waits for the ball any more.
        let company = Company::default();
        assert_eq!(company.distance(PATIENCE), None);
        assert_eq!(company.ball.into_inner(), 2 * THROWS);
    }

    #[test]
    fn a_panic_ends_the_company() {
        let work = || in_company(|_| panic!("as it should"));
        let caught = std::panic::catch_unwind(|| pool(2).install(work));
        assert!(caught.is_err());
    }
}
