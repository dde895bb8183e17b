//! The machine, real and made up.

use serde_json::Value;

use crate::Place;

#[test]
fn topology_of_this_machine() {
    let place = Place::new();
    let shown = place.turgo(&["topology"]);
    for part in ["node", "processors", "at most ", "worker"] {
        assert!(shown.rows().contains(part), "no {part:?} in:\n{}", shown.out);
    }
    let json: Value =
        serde_json::from_str(place.turgo(&["topology", "--json"]).rows()).expect("JSON");
    let here = std::thread::available_parallelism().expect("a count").get() as u64;
    assert_eq!(json["workers_max"].as_u64(), Some(here));
    assert_eq!(json["simulated"], Value::Null);
    let listed = json["cpus"].as_array().expect("processors");
    assert!(listed.len() as u64 >= here && listed.iter().all(|cpu| cpu["id"].is_u64()), "{json}");
    assert!(!json["nodes"].as_array().expect("nodes").is_empty());
}

#[test]
fn topology_of_a_machine_that_is_made_up() {
    let place = Place::new();
    let ring = place.turgo(&["topology", "--simulate", "4x16,ring"]);
    let expected = "\
simulated machine 4x16,ring
4 packages, 4 nodes, 4 core complexes, 64 cores, 64 processors; at most 64 workers

node  memory    free  processors
   0  16 GiB  16 GiB  0-15
   1  16 GiB  16 GiB  16-31
   2  16 GiB  16 GiB  32-47
   3  16 GiB  16 GiB  48-63

data caches: L1 32 KiB x64, L2 1 MiB x64, L3 32 MiB x4

distances (10 is local)
node   0   1   2   3
   0  10  21  31  21
   1  21  10  21  31
   2  31  21  10  21
   3  21  31  21  10
";
    assert_eq!(ring.rows(), expected);
    let dual = place.turgo(&["topology", "--simulate", "dual:4,llc=2,memory=1536MiB"]);
    for line in [
        "simulated machine 2x4x2,llc=2,memory=1536MiB",
        "   1  1.5 GiB  1.5 GiB  4-7,12-15",
        "core complexes: 0-1,8-9 | 2-3,10-11 | 4-5,12-13 | 6-7,14-15",
    ] {
        assert!(dual.rows().lines().any(|l| l == line), "no {line:?} in:\n{}", dual.out);
    }
}

#[test]
fn topology_of_a_wide_machine_stays_readable() {
    let place = Place::new();
    let wide = place.turgo(&["topology", "--simulate", "64x16x2,ring,llc=4"]);
    for line in [
        "64 packages, 64 nodes, 256 core complexes, 1024 cores, 2048 processors; at most 2048 workers",
        "core complexes: 256 of 8 processors",
        "node 5: 21 to 4,6; 31 to 3,7; 41 to 2,8; 51 to 1,9; at most 254 to 55 others",
    ] {
        assert!(wide.rows().lines().any(|l| l == line), "no {line:?} in:\n{}", wide.out);
    }
    assert!(wide.out.lines().all(|line| line.len() <= 100), "{}", wide.out);
}

#[test]
fn topology_for_programs() {
    let place = Place::new();
    let args = ["topology", "--json", "--simulate", "2x2x2,distances=10-40/50-10"];
    let json: Value = serde_json::from_str(place.turgo(&args).rows()).expect("JSON");
    assert_eq!(json["simulated"], "2x2x2,distances=10-40/50-10");
    assert_eq!(json["distances"], serde_json::json!([[10, 40], [50, 10]]));
    assert_eq!(json["cores"], serde_json::json!(["0,4", "1,5", "2,6", "3,7"]));
    let sixth = &json["cpus"][6];
    assert_eq!((&sixth["id"], &sixth["node"], &sixth["core"]), (&6.into(), &1.into(), &2.into()));
    assert_eq!(sixth["thread"], 1);
    assert_eq!(json["complexes"][1]["cpus"], "2-3,6-7");
    assert_eq!(json["nodes"][1]["memory_total_bytes"].as_u64(), Some(16 << 30));
    assert_eq!(json["notes"], serde_json::json!([]));
}

#[test]
fn topology_points_at_what_is_wrong() {
    let place = Place::new();
    let ended = place.turgo(&["topology", "--simulate", "4x16,rnig"]);
    ended.fails(
        2,
        &["there is no such option", "4x16,rnig", "^^^^", "--simulate:1:6", "mesh, ring"],
    );
    assert_eq!(ended.out, "");
    place
        .turgo(&["topology", "--simulate", ""])
        .fails(2, &["the shape of the machine is missing", "4x16"]);
    place
        .turgo(&["topology", "--simulate", "4x"])
        .fails(2, &["the number of cores is missing", "--simulate:1:3"]);
    place.turgo(&["topology", "--simulat", "4x4"]).fails(2, &["--simulate"]);
    place.turgo(&["topology", "4x4"]).fails(2, &["unexpected argument '4x4'"]);
    let help = place.turgo(&["topology", "--help"]);
    assert!(help.rows().contains("--simulate 4x16,ring"), "{}", help.out);
    assert!(help.out.lines().all(|line| line.chars().count() <= 100), "{}", help.out);
}
