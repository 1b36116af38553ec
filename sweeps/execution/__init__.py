"""Running a sweep: here, on Ray Tune, on a Ray cluster; the only folder that imports ray."""
