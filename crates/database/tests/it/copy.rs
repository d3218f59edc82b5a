use sea_orm::{ConnectionTrait, Statement};
use yunhai_database::{CopyPlan, CopyProgress, Database, Error, Migration, Table};
use yunhai_model::ManualClock;
use yunhai_test_support::databases::{Engine, TestDatabase};

const ENGINES: [Engine; 3] = [Engine::Sqlite, Engine::Postgres, Engine::Mysql];

const FIRST: Migration = Migration {
    domain: "people",
    version: 1,
    name: "people and their pets",
    statements: |backend| {
        [
            // Its name comes before that of the table that it belongs to.
            Table::new("a_pet")
                .id("id")
                .id("owner_id")
                .string("name")
                .primary_key(&["owner_id", "name"])
                .belongs_to("owner_id", "people"),
            Table::new("people")
                .id("id")
                .integer("key")
                .nullable()
                .float("height")
                .nullable()
                .boolean("is_tall")
                .text("life")
                .nullable()
                .primary_key(&["id"]),
        ]
        .iter()
        .rev()
        .flat_map(|table| table.statements(backend))
        .collect()
    },
};

const SECOND: Migration = Migration {
    domain: "people",
    version: 2,
    name: "hats",
    statements: |backend| {
        Table::new("people")
            .string("hat")
            .nullable()
            .additions(backend)
    },
};

/// More than are read at once, with all that could be lost on the way.
async fn fill(database: &Database) {
    database
        .migrate(&[FIRST], &ManualClock::new(1))
        .await
        .unwrap();
    let long = "长文本 \u{1f409} 'quoted' \\ \"twice\" \n".repeat(4_000);
    let people: Vec<String> = (0..1_203)
        .map(|at| match at {
            0 => "('p0', NULL, NULL, false, NULL)".to_owned(),
            1 => "('p1', -9223372036854775807, 0.1, true, '')".to_owned(),
            2 => format!(
                "('P1', 9223372036854775807, -1.5e-300, true, '{}')",
                "x".repeat(90)
            ),
            _ => format!("('p{at}', {at}, {at}.25, {}, 'life {at}')", at % 2 == 0),
        })
        .collect();
    let connection = database.connection();
    let insert = format!(
        "INSERT INTO people (id, {}, height, is_tall, life) VALUES {}",
        if database.backend() == sea_orm::DbBackend::MySql {
            "`key`"
        } else {
            "\"key\""
        },
        people.join(", ")
    );
    connection.execute_unprepared(&insert).await.unwrap();
    connection
        .execute_unprepared(
            "INSERT INTO a_pet (id, owner_id, name) VALUES ('1', 'p1', 'Rex'), \
             ('2', 'P1', 'Rex'), ('3', 'P1', 'rex')",
        )
        .await
        .unwrap();
    for id in ["p7", "p8", "p1202"] {
        let sql = match database.backend() {
            sea_orm::DbBackend::Postgres => "UPDATE people SET life = $1 WHERE id = $2",
            _ => "UPDATE people SET life = ? WHERE id = ?",
        };
        let values = [long.clone().into(), id.into()];
        let update = Statement::from_sql_and_values(database.backend(), sql, values);
        connection.execute_raw(update).await.unwrap();
    }
}

/// Everything that a database holds, as text.
async fn contents(url: &str) -> Vec<String> {
    let database = Database::connect_existing(url).await.unwrap();
    let mut rows = Vec::new();
    for (sql, columns) in [
        (
            "SELECT * FROM people ORDER BY id",
            "id key height is_tall life",
        ),
        (
            "SELECT * FROM a_pet ORDER BY owner_id, name",
            "id owner_id name",
        ),
    ] {
        let asked = Statement::from_string(database.backend(), sql);
        for row in database.connection().query_all_raw(asked).await.unwrap() {
            let texts = columns.split(' ').map(|column| match column {
                "key" => format!("{:?}", row.try_get::<Option<i64>>("", column).unwrap()),
                "height" => format!("{:?}", row.try_get::<Option<f64>>("", column).unwrap()),
                "is_tall" => format!("{:?}", row.try_get::<bool>("", column).unwrap()),
                _ => format!("{:?}", row.try_get::<Option<String>>("", column).unwrap()),
            });
            rows.push(texts.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

#[tokio::test]
async fn every_row_comes_along_from_any_engine_to_any() {
    for from in ENGINES {
        let source = TestDatabase::start(from);
        fill(&Database::connect(&source.url).await.unwrap()).await;
        let before = contents(&source.url).await;
        assert_eq!(before.len(), 1_206);
        for to in ENGINES {
            let target = TestDatabase::start(to);
            // This release knows a newer version than the source has.
            let plan = CopyPlan::new(&source.url, &target.url, &[SECOND, FIRST]);
            let plan = plan.await.unwrap();
            assert!(plan.has("people", 1) && !plan.has("people", 2));
            let mut told = Vec::new();
            let copied = plan
                .execute(&ManualClock::new(2), &mut |progress| told.push(progress))
                .await
                .unwrap();
            let counts: Vec<_> = copied.iter().map(|t| (&t.name[..], t.rows)).collect();
            assert_eq!(counts, [("people", 1_203), ("a_pet", 3)]);
            let all = CopyProgress {
                done: 2_412,
                total: 2_412,
            };
            assert_eq!(told.last(), Some(&all));
            assert_eq!(contents(&target.url).await, before, "{from:?} to {to:?}");
            // The copy is brought up to date as the source would be.
            let target = Database::connect(&target.url).await.unwrap();
            target
                .migrate(&[FIRST, SECOND], &ManualClock::new(3))
                .await
                .unwrap();
        }
        assert_eq!(
            contents(&source.url).await,
            before,
            "the source is only read"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_copied_is_refused_before_anything_is_made() {
    let (source, empty) = (
        TestDatabase::start(Engine::Sqlite),
        TestDatabase::start(Engine::Sqlite),
    );
    let database = Database::connect(&source.url).await.unwrap();
    let clock = ManualClock::new(1);
    let error = CopyPlan::new(&source.url, &empty.url, &[FIRST])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoState { .. }), "{error}");
    database.migrate(&[FIRST, SECOND], &clock).await.unwrap();
    let error = CopyPlan::new(&source.url, &empty.url, &[FIRST])
        .await
        .unwrap_err();
    let newer = matches!(
        error,
        Error::NewerSchema {
            found: 2,
            known: 1,
            ..
        }
    );
    assert!(newer, "{error}");
    // A domain that this release does not know at all.
    let error = CopyPlan::new(&source.url, &empty.url, &[])
        .await
        .unwrap_err();
    let unknown = matches!(
        error,
        Error::NewerSchema {
            found: 2,
            known: 0,
            ..
        }
    );
    assert!(unknown, "{error}");
    let path = empty.url.trim_start_matches("sqlite://");
    assert!(!std::path::Path::new(path).exists());
    for engine in ENGINES {
        let used = TestDatabase::start(engine);
        let target = Database::connect(&used.url).await.unwrap();
        target.migrate(&[FIRST], &clock).await.unwrap();
        let error = CopyPlan::new(&source.url, &used.url, &[FIRST, SECOND]).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("is not empty: it has a table"), "{error}");
        assert!(!error.contains("test-password"), "{error}");
    }
    let error = CopyPlan::new(&source.url, &source.url, &[FIRST, SECOND]).await;
    assert!(matches!(error, Err(Error::CopyTargetInUse { .. })));
}

/// SQLite takes texts of any length where the others have a limit.
#[tokio::test]
async fn a_copy_that_fails_leaves_nothing_behind() {
    let source = TestDatabase::start(Engine::Sqlite);
    let database = Database::connect(&source.url).await.unwrap();
    fill(&database).await;
    let spoil = format!(
        "INSERT INTO a_pet VALUES ('4', 'p9', '{}')",
        "n".repeat(300)
    );
    database
        .connection()
        .execute_unprepared(&spoil)
        .await
        .unwrap();
    for engine in [Engine::Postgres, Engine::Mysql] {
        let target = TestDatabase::start(engine);
        let plan = CopyPlan::new(&source.url, &target.url, &[FIRST])
            .await
            .unwrap();
        let error = plan.execute(&ManualClock::new(1), &mut |_| {}).await;
        let error = error.unwrap_err();
        let is_named = matches!(&error, Error::Copy { table, .. } if table == "a_pet");
        assert!(is_named, "{error}");
        plan.undo().await.unwrap();
        // Empty again: another one can be planned.
        CopyPlan::new(&source.url, &target.url, &[FIRST])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_copy_that_is_given_up_leaves_nothing_behind() {
    let source = TestDatabase::start(Engine::Sqlite);
    fill(&Database::connect(&source.url).await.unwrap()).await;
    for engine in ENGINES {
        let target = TestDatabase::start(engine);
        let plan = CopyPlan::new(&source.url, &target.url, &[FIRST])
            .await
            .unwrap();
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let clock = ManualClock::new(1);
        let mut tell = |_| {
            stop.send_replace(true);
        };
        tokio::select! {
            biased;
            _ = stopped.changed() => {}
            _ = plan.execute(&clock, &mut tell) => panic!("it was not given up"),
        }
        plan.undo().await.unwrap();
        if let Some(path) = target.url.strip_prefix("sqlite://") {
            let folder = std::path::Path::new(path).parent().unwrap();
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        } else {
            CopyPlan::new(&source.url, &target.url, &[FIRST])
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_change_during_the_copy_is_noticed() {
    let (source, target) = (
        TestDatabase::start(Engine::Sqlite),
        TestDatabase::start(Engine::Sqlite),
    );
    let database = Database::connect(&source.url).await.unwrap();
    fill(&database).await;
    let plan = CopyPlan::new(&source.url, &target.url, &[FIRST])
        .await
        .unwrap();
    let writer = database.clone();
    let mut is_first = true;
    let mut change = move |_| {
        if std::mem::take(&mut is_first) {
            let writer = writer.clone();
            let change = async move {
                let sql = "UPDATE people SET life = 'another' WHERE id = 'p3'";
                writer.connection().execute_unprepared(sql).await.unwrap();
            };
            std::thread::spawn(move || {
                tokio::runtime::Runtime::new().unwrap().block_on(change);
            })
            .join()
            .unwrap();
        }
    };
    let error = plan.execute(&ManualClock::new(1), &mut change).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, Error::CopyDiffers { table } if table == "people"),
        "{error}"
    );
    assert!(error.to_string().contains("stop every server"), "{error}");
}
