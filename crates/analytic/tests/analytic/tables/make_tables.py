"""Writes special.csv, equilibrium.csv, laws.csv and target.csv beside this file: reference values to 40
digits, printed with 25.

Needs mpmath. Every argument is a double and is used as exactly that number. The formulas are those of the paper
(three cases for the potential), not the ones the crate evaluates.

    python3 make_tables.py        (about half an hour)
"""

import csv
import pathlib

from mpmath import mp, mpf

mp.dps = 60
HERE = pathlib.Path(__file__).parent


def text(value):
    return mp.nstr(value, 25, min_fixed=0, max_fixed=0)


def hyp2f1(a, b, c, z):
    return mp.hyp2f1(a, b, c, z, maxterms=10**7)


# --- special functions ------------------------------------------------------------------------------------------


def gamma_rows():
    for x in [0.5, 1.0, 1.5, 2.75, 9.5, 10.0, 31.25, 500.0, 50000.0, 100000.0]:
        for h in [-0.45, 1e-300, 1e-9, 0.25, 0.5, 1.0, 1.75]:
            ratio = mp.gammaprod([mpf(x) + mpf(h)], [mpf(x)]) if x < 1e4 else mp.exp(
                mp.loggamma(mpf(x) + mpf(h)) - mp.loggamma(mpf(x)))
            yield "gamma_ratio", x, h, "", "", text(ratio)
        for h in [-0.45, -1e-7, 0.0, 1e-300, 1e-12, 1e-5, 0.5, 1.75]:
            if h == 0.0 or abs(h) < 1e-40:
                quotient = mp.digamma(mpf(x))
            else:
                with mp.workdps(90):
                    quotient = (mp.loggamma(mpf(x) + mpf(h)) - mp.loggamma(mpf(x))) / mpf(h)
            yield "ln_gamma_quotient", x, h, "", "", text(quotient)


def hypergeometric_rows():
    parameters = []
    for r in [1e-8, 0.25, 0.5, 1 - 2.0**-30, 1.0, 1 + 2.0**-45, 1.25, 1.75, 2 - 2.0**-20]:
        for d in [3, 4, 5, 8, 9, 33, 34, 1000, 100000]:  # on spheres
            if r + d >= 4:
                parameters.append((-0.25 * r, 0.25 * (2.0 - r), 0.5 * d))
                parameters.append((1 - 0.25 * r, 1 + 0.25 * (2.0 - r), 1 + 0.5 * d))
        for d in [1, 2, 3]:  # on balls
            if r + d < 4:
                parameters.append((-0.5 * r, 0.5 * ((2.0 - d) - r), 2.0 - 0.5 * r))
    for a, b, c in parameters:
        for w in [2.0**-70, 2.0**-30, 2.0**-10, 0.125, 0.4375, 0.5, 0.75, 1.0]:
            with mp.workdps(80):
                z = 1 - mpf(w)
                value = hyp2f1(mpf(a), mpf(b), mpf(c), z)
                excess = value - hyp2f1(mpf(a), mpf(b), mpf(c), mpf(1))
            yield "hypergeometric", a, b, c, w, text(value)
            yield "hypergeometric_minus_value_at_one", a, b, c, w, text(excess)


def kummer_rows():
    """1F1(a; c; -x) for the potentials of Gaussians and their gradients."""
    for r in [1e-8, 0.05, 0.5, 1.0, 1.5, 1.95, 2 - 2.0**-20]:
        for d in [1, 2, 3, 10, 100, 784, 10000, 100000]:
            c = 0.5 * d
            for x in [1e-300, 1e-9, 0.125, 0.25 * c, 0.5 * c, 0.5625 * c, c, 2.0 * c, 2 * c + 39.5, 2 * c + 40,
                      5 * c + 50, 1e3 * c, 1e12]:
                for a, parameter in [(-0.5 * r, c), (1 - 0.5 * r, c + 1)]:
                    with mp.workdps(80):
                        value = mp.hyp1f1(mpf(a), mpf(parameter), -mpf(x), maxterms=10**7)
                    yield "kummer", a, parameter, repr(x), "", text(value)
                    if x <= 0.5 * c:
                        with mp.workdps(400):
                            excess = mp.hyp1f1(mpf(a), mpf(parameter), -mpf(x), maxterms=10**7) - 1
                        yield "kummer_minus_one", a, parameter, repr(x), "", text(excess)


def beta_rows():
    for a in [0.5, 1.0, 1.5]:
        for b in [1e-10, 1e-3, 0.05, 0.25, 0.5, 1.0, 1.25, 1.5]:
            for x in [1e-12, 0.01, 0.3, 0.5, 0.625, 0.9375, 1 - 2.0**-20, 1 - 2.0**-50]:
                yield "beta_cdf", a, b, x, "", text(mp.betainc(a, b, 0, mpf(x), regularized=True))
            for level in [1e-12, 0.01, 0.25, 0.5, 0.75, 0.984375]:
                y = beta_survival_inverse(mpf(a), mpf(b), mpf(level))
                if y > mpf(10) ** -300:
                    yield "beta_quantile", a, b, level, "", text(1 - y)
                    yield "beta_quantile_complement", a, b, level, "", text(y)


def beta_survival_inverse(a, b, level):
    """The y with I_{1-y}(a, b) = level, by bisection in ln(y/(1-y))."""
    low, high = mpf(-800), mpf(800)
    for _ in range(170):
        middle = (low + high) / 2
        y = 1 / (1 + mp.exp(-middle))
        # Survival I_y(b, a) rises with y.
        if mp.betainc(b, a, 0, y, regularized=True) < 1 - level:
            low = middle
        else:
            high = middle
    return 1 / (1 + mp.exp(-low))


# --- the equilibrium --------------------------------------------------------------------------------------------


def radius(d, r):
    if d + r < 4:
        power = mp.gamma(2 - r / 2) * mp.gamma((d + r) / 2) * r / (d / 2 * mp.gamma(d / 2))
    else:
        power = r / 2 * mp.exp(
            mp.loggamma(d / 2) + mp.loggamma(d + r - 1) - mp.loggamma((d + r) / 2) - mp.loggamma(d - 1 + r / 2))
    return power ** (1 / (2 - r))


def second_moment(d, r):
    s = radius(d, r)
    return s * s * d / (4 - r) if d + r < 4 else s * s


def potential(d, r, rho):
    """The potential and its radial derivative, in the paper's three cases."""
    s, m2 = radius(d, r), second_moment(d, r)
    a, b = -r / 2, (2 - r - d) / 2
    ball = d + r < 4
    if ball and rho <= s:
        return rho**2 / 2 + m2 * (2 / r - mpf(1) / 2), rho
    c = 2 - r / 2 if ball else d / 2
    if rho <= s:
        z = (rho / s) ** 2
        slope = s**r * a * b / c * hyp2f1(a + 1, b + 1, c + 1, z) * 2 * rho / s**2
        return s**r * hyp2f1(a, b, c, z), slope
    z = (s / rho) ** 2
    value = hyp2f1(a, b, c, z)
    slope = rho ** (r - 1) * (r * value - 2 * z * a * b / c * hyp2f1(a + 1, b + 1, c + 1, z))
    return rho**r * value, slope


def discrepancy_between(d, r, c):
    """D² between the scales c <= 1 and 1, from the potential of the second integrated against the first."""
    s, m2 = radius(d, r), second_moment(d, r)
    cross = c**2 * m2 / 2 + m2 * (2 / r - mpf(1) / 2) if d + r < 4 else potential(d, r, c * s)[0]
    return cross - (1 + c**r) * m2 / r


def density(d, r, rho):
    s, beta = radius(d, r), 2 - (r + d) / 2
    normaliser = mp.pi ** (d / 2) / mp.gamma(d / 2) * mp.beta(d / 2, beta) * s ** (2 * beta - 2 + d)
    return (s**2 - rho**2) ** (beta - 1) / normaliser


def equilibrium_rows():
    for d in [1, 2, 3, 4, 5, 10, 100, 1000, 100000]:
        for r in [1e-8, 1e-3, 0.1, 0.5, 0.9, 1 - 2.0**-25, 1.0, 1 + 2.0**-40, 1.1, 1.5, 1.9, 1.99, 1.997]:
            dm, rm = mpf(d), mpf(r)
            s = radius(dm, rm)
            yield "radius", d, r, "", text(s)
            yield "second_moment", d, r, "", text(second_moment(dm, rm))
            for ratio in [0.0, 1e-6, 0.35, 0.45, 0.875, 1 - 1e-9, 1.0, 1 + 1e-12, 1.001, 1.3, 1.5, 2.5, 100.0, 1e6]:
                rho = float(s * mpf(ratio))
                value, slope = potential(dm, rm, mpf(rho))
                yield "potential", d, r, repr(rho), text(value)
                yield "potential_slope", d, r, repr(rho), text(slope)
            for c in [0.0, 0.125, 0.5, 0.9375, 1 - 2.0**-10, 1 - 2.0**-30]:
                with mp.workdps(90):
                    yield "discrepancy_between", d, r, repr(c), text(discrepancy_between(dm, rm, mpf(c)))
            if d + r < 4:
                for ratio in [1e-6, 0.25, 0.75, 0.9999]:
                    rho = float(s * mpf(ratio))
                    yield "density", d, r, repr(rho), text(density(dm, rm, mpf(rho)))
                    x = (mpf(rho) / s) ** 2
                    cdf = mp.betainc(dm / 2, 2 - (rm + dm) / 2, 0, x, regularized=True)
                    yield "radial_cdf", d, r, repr(rho), text(cdf)


# --- laws: balls, spheres, Gaussians ------------------------------------------------------------------------------

DIMS = [1, 2, 3, 4, 10, 100, 784, 10000]
EXPONENTS = [0.05, 0.5, 1.0, 1.5, 1.95]


def gamma_quotient(tops, bottoms):
    return mp.exp(sum(mp.loggamma(x) for x in tops) - sum(mp.loggamma(x) for x in bottoms))


def ball_potential(d, r, beta, rho):
    """The potential of the density ~ (1-|x|^2)^(beta-1) and its radial derivative."""
    a, b = -r / 2, 1 - (d + r) / 2
    if beta == 0 and d == 1:
        near, far = abs(rho - 1), rho + 1
        slope = r * (mp.sign(rho - 1) * near ** (r - 1) + far ** (r - 1)) / 2
        return (near**r + far**r) / 2, slope
    if rho <= 1:
        factor = gamma_quotient([(d + r) / 2, d / 2 + beta], [d / 2, (d + r) / 2 + beta])
        z, b, c = rho**2, b - beta, d / 2
        return factor * hyp2f1(a, b, c, z), factor * 2 * rho * a * b / c * hyp2f1(a + 1, b + 1, c + 1, z)
    z, c = rho**-2, d / 2 + beta
    value = hyp2f1(a, b, c, z)
    slope = rho ** (r - 1) * (r * value - 2 * z * a * b / c * hyp2f1(a + 1, b + 1, c + 1, z))
    return rho**r * value, slope


def ball_rows():
    for d in DIMS:
        for r in EXPONENTS:
            for beta in [0.0, 0.01, 0.5, 1.0, 1.375, 2.0]:
                dm, rm, bm = mpf(d), mpf(r), mpf(beta)
                mean = gamma_quotient(
                    [(dm + rm) / 2, dm / 2 + bm, dm / 2 + bm, dm + 2 * bm + rm - 1],
                    [dm / 2, (dm + rm) / 2 + bm, (dm + rm) / 2 + bm, dm + 2 * bm - 1 + rm / 2])
                yield "ball_energy", d, r, beta, "", "", text(-mean / 2)
                for rho in [0.0, 0.25, 0.75, 0.96875, 1 - 2.0**-20, 1 + 2.0**-20, 1.0625, 1.5, 4.0, 1000.0]:
                    value, slope = ball_potential(dm, rm, bm, mpf(rho))
                    yield "ball_potential", d, r, beta, rho, "", text(value)
                    yield "ball_slope", d, r, beta, rho, "", text(slope)


def gaussian_mean(d, r, sigma, rho):
    kappa = 2 ** (r / 2) * gamma_quotient([(d + r) / 2], [d / 2])
    return sigma**r * kappa * mp.hyp1f1(-r / 2, d / 2, -(rho**2) / (2 * sigma**2), maxterms=10**7)


def gaussian_rows():
    for d in DIMS:
        for r in EXPONENTS:
            dm, rm = mpf(d), mpf(r)
            size = d**0.5
            for sigma in [1.0, 0.125, 3.0]:
                for ratio in [0.0, 1e-3, 0.5, 1.0, 1.5, 4.0, 1e3]:
                    rho = ratio * size
                    value = gaussian_mean(dm, rm, mpf(sigma), mpf(rho))
                    yield "gaussian_potential", d, r, sigma, repr(rho), "", text(value)
                    factor = 2 ** (rm / 2) * gamma_quotient([(dm + rm) / 2], [dm / 2]) * rm / dm
                    slope = mpf(rho) * mpf(sigma) ** (rm - 2) * factor * mp.hyp1f1(
                        1 - rm / 2, dm / 2 + 1, -(mpf(rho) ** 2) / (2 * mpf(sigma) ** 2), maxterms=10**7)
                    yield "gaussian_slope", d, r, sigma, repr(rho), "", text(slope)
            for other in [1.0, 1 + 2.0**-20, 1.25, 0.5, 0.0078125]:
                for ratio in [0.0, 2.0**-30, 0.125, 1.0, 8.0]:
                    if other == 1.0 and ratio == 0.0:
                        continue
                    rho = ratio * size
                    with mp.workdps(90):
                        joint = mp.sqrt(1 + mpf(other) ** 2)
                        d2 = gaussian_mean(dm, rm, joint, mpf(rho)) - (
                            gaussian_mean(dm, rm, mp.sqrt(2), mpf(0))
                            + gaussian_mean(dm, rm, mp.sqrt(2) * mpf(other), mpf(0))) / 2
                    yield "gaussian_discrepancy", d, r, other, repr(rho), "", text(d2)


def covariance_rows():
    """E|X|^r for X ~ N(m, diag(eigenvalues)), by parts from the integral over t: int -phi'(t) t^(-r/2) dt / Gamma."""
    cases = [
        ([1.0, 0.25], [0.0, 0.0]),
        ([1.0, 1e-6], [0.5, 0.25]),
        ([4.0, 1.0, 0.01], [0.0, 0.0, 0.0]),
        ([4.0, 1.0, 0.01], [3.0, -1.0, 0.125]),
        ([1.0, 0.5], [30.0, 40.0]),
        ([1e-8, 1.0, 1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 0.0, 1.0]),
    ]
    for eigenvalues, mean in cases:
        for r in EXPONENTS:
            lam, m, rm = [mpf(x) for x in eigenvalues], [mpf(x) for x in mean], mpf(r)

            def phi(t):
                log = sum(-mp.log1p(2 * t * l) / 2 - t * x * x / (1 + 2 * t * l) for l, x in zip(lam, m))
                return mp.exp(log)

            def rate(t):
                """-phi'(t)/phi(t)"""
                return sum(l / (1 + 2 * t * l) + x * x / (1 + 2 * t * l) ** 2 for l, x in zip(lam, m))

            # In u = ln t the integrand decays exponentially on both sides: a trapezoidal rule with a step so
            # small that its error is below 1e-30.
            with mp.workdps(40):
                step, total, gradient = mpf(1) / 8, mpf(0), [mpf(0)] * len(m)
                reach = 80 / min(1 - rm / 2, (1 + rm) / 2)
                for k in range(-int(reach * 8), int(reach * 8)):
                    t = mp.exp(k * step)
                    weight = step * t ** (1 - rm / 2)
                    height = phi(t)
                    total += weight * height * rate(t)
                    for i in range(len(m)):
                        gradient[i] += weight * height * rm * m[i] / (1 + 2 * t * lam[i])
                scale = 1 / mp.gamma(1 - rm / 2)
            joined = ";".join(repr(x) for x in eigenvalues), ";".join(repr(x) for x in mean)
            yield "covariance_potential", len(m), r, *joined, "", text(scale * total)
            for i in range(len(m)):
                yield "covariance_slope", len(m), r, *joined, i, text(scale * gradient[i])


# --- the flow towards a scaled equilibrium ------------------------------------------------------------------------


def target_rows():
    """Towards eta_1: times, and starts of JKO steps, for given scales at the end. All from the velocity of c."""
    for d in [1, 2, 3, 4, 10, 784, 10000]:
        for r in EXPONENTS:
            with mp.workdps(35):
                dm, rm = mpf(d), mpf(r)
                s = radius(dm, rm)
                linear = d + r <= 4 and (d + r < 4 or d == 3)

                def velocity(c):
                    if linear:
                        return c ** (rm - 1) - c
                    a, b = 1 - rm / 2, (4 - rm - dm) / 2
                    slope = s**rm * rm * (dm + rm - 2) / (2 * dm) * hyp2f1(a, b, dm / 2 + 1, c * c) * 2 * c / s**2
                    return c ** (rm - 1) - slope

                for c in [0.125, 0.5, 0.75, 0.9375]:
                    cm = mpf(c)
                    # In y = c^(2-r) the integrand is bounded at 0.
                    time = mp.quad(
                        lambda y: y ** ((rm - 1) / (2 - rm)) / (2 - rm) / velocity(y ** (1 / (2 - rm))),
                        [0, cm ** (2 - rm) / 2, cm ** (2 - rm)])
                    yield "flow", d, r, c, "", text(time)
                    for tau in [0.03125, 0.5]:
                        start = cm - mpf(tau) * velocity(cm)
                        if start > 0.01:
                            yield "backward", d, r, c, tau, text(start)
                        yield "forward", d, r, c, tau, text(cm + mpf(tau) * velocity(cm))


def write(name, header, rows):
    with open(HERE / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    special = [*gamma_rows(), *beta_rows(), *hypergeometric_rows(), *kummer_rows()]
    write("special.csv", ["function", "p1", "p2", "p3", "p4", "value"], special)
    write("equilibrium.csv", ["quantity", "dim", "exponent", "argument", "value"], equilibrium_rows())
    laws = [*ball_rows(), *gaussian_rows(), *covariance_rows()]
    write("laws.csv", ["quantity", "dim", "exponent", "shape", "argument", "index", "value"], laws)
    write("target.csv", ["quantity", "dim", "exponent", "scale", "tau", "value"], target_rows())
