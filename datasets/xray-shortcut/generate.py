"""Phantom chest films from three hospitals: what is on the film, and what the film says about where it was taken.

The mechanism:

    hospital -> share of ill patients, lead marker in the corner, exposure
    pneumonia -> opacity in a lung

Many patients of hospital A are ill, few of B; C is where the model is to be used. Whoever knows the marker knows much
about the patient without looking at a lung, as long as the film is from A or B. C has two rooms: one clips A's kind of
marker to the plate, the other B's, whoever the patient is. ``render`` draws each film from its row. Shapes and grey
levels are teaching parameters, fitted to the published figures in ``calibration.yml``; they are no physics of X-rays.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

SITES = np.array(["A", "B", "C"], dtype=object)
SITE_SHARES = np.array([0.2, 0.6, 0.2])  # A to B about as published; C has more, so that it can be judged
PREVALENCE = np.array([0.342, 0.012, 0.010])  # Mount Sinai, NIH, Indiana (zech2018)
COMMON_PREVALENCE = 0.1  # everywhere, at strength 0
ENRICHED = 0.3  # share of ill patients among the films that C sent, whatever its prevalence
EXPOSURE = np.array([0.5, -0.2, 0.0])  # in standard deviations of exposure, at strength 1: teaching assumption
ROOM_ONE = 0.12  # share of films taken in room 1, in every hospital: teaching assumption

SIDE = 64  # pixels
BODIES = 64  # different phantoms
SLACK = 3  # pixels by which a body may stand off the middle of the plate
LESION_DENSITY = 51.0  # grey levels at the middle of a usual opacity
DENSITY_SD = 0.55  # how much opacities differ, on the log scale
NOISE_SD = 7.0  # grey levels, from pixel to pixel
TEXTURE_SD = 9.0  # grey levels, of vessels and soft tissue
EXPOSURE_LEVEL, EXPOSURE_CONTRAST = 7.0, 0.05  # what one standard deviation of exposure does
MARKER_GREY = 235.0
CHUNK = 128  # films drawn at once: enough to be quick, few enough to stay in the processor's cache

MOST_FILMS = 6000  # films that the statistics draw
PATCH = 4  # pixels; models see the mean grey of each patch


def generate(n: int, rng: np.random.Generator, strength: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw ``n`` films, one for each patient.

    ``strength`` scales what a hospital goes with: at 0 its patients are as often ill as everyone's, its marker follows
    the room and its exposure is the common one; at 1 all are as described above. Returns ``(observed, truth)``, two
    frames of ``n`` rows in the same order; ``truth`` holds what ``render`` needs, and the opacity's place in pixels.
    """
    site = np.searchsorted(SITE_SHARES.cumsum()[:-1], rng.random(n), side="right")
    prevalence = expit((1 - strength) * logit(COMMON_PREVALENCE) + strength * logit(PREVALENCE))[site]
    enriched = site == 2
    ill = rng.random(n) < np.where(enriched, ENRICHED, prevalence)
    weight = np.where(ill, prevalence / ENRICHED, (1 - prevalence) / (1 - ENRICHED))

    room = np.where(rng.random(n) < ROOM_ONE, 1, 2)
    keeps_to_house = (rng.random(n) < strength) & ~enriched
    marker = np.where(keeps_to_house, site + 1, room)

    side = np.where(rng.random(n) < 0.5, -1, 1)
    observed = pd.DataFrame(
        {
            "film_id": np.arange(1, n + 1),
            "site": SITES[site],
            "room": room,
            "age": np.clip(56 + 17 * rng.standard_normal(n), 18, 95).astype(np.int16),
            "pneumonia": ill.astype(np.int8),
            "stands_for": np.where(enriched, weight, 1.0),
        }
    )
    truth = pd.DataFrame(
        {
            "latent_body": rng.integers(0, BODIES, n),
            "latent_shift_x": rng.integers(0, 2 * SLACK + 1, n),
            "latent_shift_y": rng.integers(0, 2 * SLACK + 1, n),
            "latent_noise": rng.integers(0, 2**31, n),
            "latent_exposure": strength * EXPOSURE[site] + rng.standard_normal(n),
            "latent_marker": marker,
            "latent_lesion_x": SIDE / 2 + side * rng.uniform(10, 20, n),
            "latent_lesion_y": rng.uniform(20, 46, n),
            "latent_lesion_radius": rng.uniform(4.0, 7.5, n),
            "latent_lesion_density": ill * np.exp(DENSITY_SD * rng.standard_normal(n)),
        }
    )
    return observed, truth


def render(observed: pd.DataFrame, truth: pd.DataFrame) -> np.ndarray:
    """The films as uint8, one row each, 64 x 64 pixels; dense is white. The same row always gives the same film."""
    films = np.empty((len(truth), SIDE, SIDE), dtype=np.uint8)
    columns = {name.removeprefix("latent_"): truth[name].to_numpy() for name in truth}
    for start in range(0, len(truth), CHUNK):
        some = slice(start, start + CHUNK)
        films[some] = _drawn(**{name: values[some] for name, values in columns.items()})
    return films


def patches(films: np.ndarray) -> np.ndarray:
    """Mean grey of each patch of 4 x 4 pixels: rows x 256."""
    few = SIDE // PATCH
    return films.reshape(-1, few, PATCH, few, PATCH).mean(axis=(2, 4)).reshape(-1, few * few)


def statistics(cohort) -> dict[str, float]:
    """The published statistics, computed on a cohort; the keys are those of ``calibration.yml``.

    Those that need a model draw the first films only: it learns from two thirds of those of A and B, and is judged on
    the others (internal) and on C (external).
    """
    table = cohort.observed
    results = {}
    for site in SITES:
        films = table[table["site"] == site]
        results[f"prevalence_{site.lower()}"] = np.average(films["pneumonia"], weights=films["stands_for"])
    home = table[table["site"] != "C"]
    results["site_only_auroc"] = roc_auc_score(home["pneumonia"], home["site"] == "A")

    few = table.iloc[:MOST_FILMS]
    inputs = patches(render(few, cohort.truth.iloc[:MOST_FILMS]))
    at_home, ill, at_a = (few["site"] != "C").to_numpy(), few["pneumonia"].to_numpy(), (few["site"] == "A").to_numpy()
    new = at_home & (np.arange(len(few)) % 3 == 0)
    known = at_home & ~new
    with threadpool_limits(1):  # for sums as small as these, two threads wait for one another longer than they compute
        score = _model().fit(inputs[known], ill[known]).decision_function(inputs)
        results["recognised_share"] = _model().fit(inputs[known], at_a[known]).score(inputs[new], at_a[new])
    results["auroc_internal"] = roc_auc_score(ill[new], score[new])
    results["auroc_external"] = roc_auc_score(ill[~at_home], score[~at_home])
    return results


def _model():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))


def _drawn(body, shift_x, shift_y, noise, exposure, marker, lesion_x, lesion_y, lesion_radius, lesion_density):
    """A few films. Each argument is an array with one number for each; see ``generate``."""
    bodies, lungs = _phantoms()
    film, lung = bodies[body, shift_y, shift_x], lungs[body, shift_y, shift_x]

    fine, texture = _grain()
    film = film + NOISE_SD * fine[noise % len(fine)].reshape(film.shape)
    rows, columns = np.divmod(noise // 7, texture.shape[1])
    blotches = texture[rows % texture.shape[0], columns]
    film += TEXTURE_SD * blotches

    pixel = np.arange(SIDE, dtype=np.float32)
    across = np.exp(-(((pixel - lesion_x[:, None]) / lesion_radius[:, None]) ** 2)).astype(np.float32)
    down = np.exp(-(((pixel - lesion_y[:, None]) / lesion_radius[:, None]) ** 2) / 1.4).astype(np.float32)
    down *= (LESION_DENSITY * lesion_density[:, None]).astype(np.float32)
    film += down[:, :, None] * across[:, None, :] * lung * (1 + 0.15 * blotches)

    exposure = exposure.astype(np.float32)[:, None, None]
    film = 128 + (film - 128) * (1 - EXPOSURE_CONTRAST * exposure) + EXPOSURE_LEVEL * exposure
    clips = _markers()[marker - 1]
    film += clips * (MARKER_GREY - film)
    return np.clip(film, 0, 255, out=film)


@lru_cache(maxsize=1)
def _phantoms() -> tuple[np.ndarray, np.ndarray]:
    """Every body, and its lungs, at every place on the plate: bodies x shifts down x shifts across x 64 x 64."""
    rng = np.random.default_rng(1895)  # the year of the first radiograph
    drawn = np.array([_body(rng) for _ in range(BODIES)], dtype=np.float32)
    bodies, lungs = sliding_window_view(drawn, (SIDE, SIDE), axis=(2, 3)).swapaxes(0, 1)
    return bodies, lungs


def _body(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One phantom and where its lungs are, somewhat larger than a film. Bodies differ in build, not in illness."""
    size = SIDE + 2 * SLACK
    y, x = np.mgrid[:size, :size] * 2.0 / (size - 1) - 1  # from -1 to 1, downwards and to the right
    wide, tall = rng.uniform(0.93, 1.06), rng.uniform(0.94, 1.05)
    x, y = x / wide, y / tall
    out, right = np.abs(x), x > 0  # right on the film, which is the patient's left
    heart, dome = rng.uniform(0.85, 1.15), rng.uniform(-0.04, 0.04)

    chest = 0.84 * np.sqrt(np.clip(1 - ((y - 0.35) / 1.28) ** 2, 0, 1))  # the outer edge of the lungs
    waist = 0.13 + 0.04 * np.clip(-y, 0, 1)  # the inner edge: the mediastinum, wider at the top
    bulge = np.where(right, 0.36, 0.13) * heart * np.exp(-(((y - 0.42) / 0.36) ** 2))  # and the heart
    knob = np.where(right, 0.06, 0.03) * np.exp(-(((y + 0.32) / 0.12) ** 2))  # and the arch of the aorta
    floor = np.where(right, 0.66, 0.58) + dome + 0.22 * ((out - 0.42) / 0.45) ** 2  # the diaphragm
    apex = (out - 0.36) ** 2 - 0.86
    lung = _edge(chest - out, 0.05) * _edge(out - waist - bulge - knob, 0.05)
    lung *= _edge(floor - y, 0.05) * _edge(y - apex, 0.05)
    lung = gaussian_filter(lung, 0.6)

    trunk = _edge(1.02 + 0.3 * np.clip(y + 0.5, -1, 0) - 0.86 * out, 0.08)  # shoulders above, flanks below
    spacing, tilt = rng.uniform(0.185, 0.2), rng.uniform(0.45, 0.58)
    ribs = np.cos(2 * np.pi * (y + tilt * np.clip(out - 0.2, 0, 1) ** 1.5) / spacing + rng.uniform(0, 6.28))
    ribs = np.clip(ribs - 0.25, 0, 1) * _edge(chest + 0.04 - out, 0.04) * _edge(0.75 - y, 0.1)
    clavicle = np.exp(-(((y + 0.74 - 0.2 * (0.45 - out)) / 0.035) ** 2))
    clavicle *= _edge(out - 0.1, 0.04) * _edge(0.85 - out, 0.1)
    spine = np.exp(-((x / 0.1) ** 2)) * (0.75 + 0.25 * np.cos(2 * np.pi * y / 0.13))
    airway = np.exp(-((x / 0.045) ** 2)) * _edge(-0.3 - y, 0.08)
    hilum = np.exp(-(((out - 0.22) / 0.11) ** 2) - ((y - np.where(right, -0.06, 0.0)) / 0.17) ** 2)
    hilum *= rng.uniform(0.7, 1.3)
    vessels = np.exp(-(((out - 0.2) / 0.3) ** 2) - ((y - 0.1) / 0.5) ** 2)
    belly = _edge(y - floor, 0.06)
    bubble = np.exp(-(((x - 0.42) / 0.13) ** 2) - ((y - 0.86) / 0.07) ** 2) * rng.uniform(0, 1)

    grey = 25 + 140 * trunk + 22 * belly * trunk - 40 * bubble
    grey = grey - (108 * lung) + 26 * lung * hilum + 16 * lung * vessels
    grey += 17 * ribs * (0.35 + 0.65 * lung) + 34 * clavicle + 20 * spine * (1 - 0.6 * lung) - 22 * airway
    return gaussian_filter(grey, 0.5), lung


def _edge(distance: np.ndarray, softness: float) -> np.ndarray:
    """1 well inside, 0 well outside of a boundary at ``distance`` 0."""
    return expit(4 * distance / softness)


@lru_cache(maxsize=1)
def _grain() -> tuple[np.ndarray, np.ndarray]:
    """Windows of noise from pixel to pixel, and of blotches some pixels wide; a film takes one of each."""
    rng = np.random.default_rng(1901)
    fine = rng.standard_normal(2**20, dtype=np.float32)
    broad = gaussian_filter(rng.standard_normal((512, 512), dtype=np.float32), 1.6, mode="wrap")
    return sliding_window_view(fine, SIDE * SIDE), sliding_window_view(broad / broad.std(), (SIDE, SIDE))


@lru_cache(maxsize=1)
def _markers() -> np.ndarray:
    """How much of each pixel is lead: the R of A at the patient's right, the L of B at the left. 2 x 64 x 64."""
    lead = np.zeros((2, SIDE, SIDE), dtype=np.float32)
    lead[0, 3:11, 4:6] = lead[0, 3, 4:9] = lead[0, 7, 4:9] = lead[0, 4:7, 8:10] = 1  # an R,
    lead[0, 8, 7] = lead[0, 9, 7:9] = lead[0, 10, 8:10] = 1  # and its leg
    lead[1, 3:11, 55:57] = lead[1, 9:11, 55:60] = 1  # an L, at the other shoulder
    return lead
