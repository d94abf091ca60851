//! Tests of the coordinates in which a flow computes.

use nalgebra::DMatrix;
use rieszflow_flows::Origin;

#[test]
fn data_near_zero_stays_and_data_far_away_is_moved_and_restored() {
    let cloud = |offset: f64| DMatrix::from_fn(20, 2, |i, k| offset + (3 * i + k) as f64 / 60.0);
    for offset in [0.0, 4.0, -4.0] {
        let origin = Origin::of(&cloud(offset), &cloud(offset - 0.5));
        assert_eq!(origin, Origin::zero(2), "{offset}");
    }
    for offset in [100.0, -5e6] {
        let (start, target) = (cloud(offset), cloud(offset - 0.5));
        let origin = Origin::of(&start, &target);
        let centred: DMatrix<f32> = origin.centre(&start);
        assert!(centred.amax() < 2.0);
        let restored = origin.restore(&centred);
        assert!((restored - start).amax() < 1e-7 + 1e-15 * offset.abs());
    }
}
