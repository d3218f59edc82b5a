use sea_orm::{ConnectionTrait, DbBackend, Statement};
use yunhai_database::{Database, Error, Migration, Table};
use yunhai_model::ManualClock;
use yunhai_test_support::on_every_database;

const PEOPLE: Migration = Migration {
    domain: "people",
    version: 1,
    name: "people and their pets",
    statements: |backend| {
        [
            Table::new("people")
                .id("id")
                .string("name")
                .text("life")
                .nullable()
                .integer("born_at_ms")
                .float("height")
                .boolean("is_tall")
                .primary_key(&["id"])
                .unique(&["name"]),
            Table::new("pets")
                .id("id")
                .id("owner_id")
                .string("name")
                .primary_key(&["id"])
                .belongs_to("owner_id", "people")
                .index(&["owner_id", "name"]),
        ]
        .iter()
        .flat_map(|table| table.statements(backend))
        .collect()
    },
};

const SHOE_SIZE: Migration = Migration {
    domain: "people",
    version: 2,
    name: "shoe sizes",
    statements: |backend| {
        let mut statements = Table::new("people")
            .integer("shoe_size")
            .nullable()
            .string("hat")
            .nullable()
            .additions(backend);
        statements.push(Statement::from_string(
            backend,
            "UPDATE people SET shoe_size = 42",
        ));
        statements
    },
};

const BROKEN: Migration = Migration {
    domain: "people",
    version: 3,
    name: "a mistake",
    statements: |backend| {
        vec![Statement::from_string(
            backend,
            "ALTER TABLE nowhere ADD x int",
        )]
    },
};

async fn count(database: &Database, sql: &str) -> i64 {
    let row = database
        .connection()
        .query_one_raw(Statement::from_string(database.backend(), sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get("", "n").unwrap()
}

on_every_database! {
    async fn migrations_run_once_and_forward(url: &str) {
        let clock = ManualClock::new(1_000);
        let database = Database::connect(url).await.unwrap();
        database.migrate(&[PEOPLE], &clock).await.unwrap();
        database
            .connection()
            .execute_unprepared(
                "INSERT INTO people (id, name, born_at_ms, height, is_tall) \
                 VALUES ('1', 'Ann', 5, 1.5, false), ('2', 'ann', 6, 1.75, true)",
            )
            .await
            .unwrap();
        clock.set(2_000);
        database.migrate(&[SHOE_SIZE, PEOPLE], &clock).await.unwrap();
        database.migrate(&[PEOPLE, SHOE_SIZE], &clock).await.unwrap();
        assert_eq!(count(&database, "SELECT COUNT(*) AS n FROM people WHERE shoe_size = 42").await, 2);
        assert_eq!(
            count(&database, "SELECT applied_at_ms AS n FROM schema_version WHERE version = 2").await,
            2_000
        );
    }

    async fn a_newer_schema_is_refused(url: &str) {
        let clock = ManualClock::new(1_000);
        let database = Database::connect(url).await.unwrap();
        database.migrate(&[PEOPLE, SHOE_SIZE], &clock).await.unwrap();
        let error = database.migrate(&[PEOPLE], &clock).await.unwrap_err();
        assert!(matches!(error, Error::NewerSchema { found: 2, known: 1, .. }), "{error}");
        assert!(error.to_string().contains("start a newer release"), "{error}");
    }

    async fn a_failed_step_is_named_and_can_be_run_again(url: &str) {
        let clock = ManualClock::new(1_000);
        let database = Database::connect(url).await.unwrap();
        let error = database.migrate(&[PEOPLE, SHOE_SIZE, BROKEN], &clock).await.unwrap_err();
        assert!(error.to_string().contains("version 3 (a mistake)"), "{error}");
    }

    async fn an_interrupted_addition_of_columns_is_run_again(url: &str) {
        let clock = ManualClock::new(1_000);
        let database = Database::connect(url).await.unwrap();
        database.migrate(&[PEOPLE], &clock).await.unwrap();
        if database.backend() == DbBackend::MySql {
            // What a crash between the two columns leaves there.
            database
                .connection()
                .execute_unprepared("ALTER TABLE people ADD COLUMN shoe_size bigint")
                .await
                .unwrap();
        }
        database.migrate(&[PEOPLE, SHOE_SIZE], &clock).await.unwrap();
        assert_eq!(count(&database, "SELECT COUNT(hat) AS n FROM people").await, 0);
    }

    async fn servers_that_start_at_once_wait_for_one_another(url: &str) {
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let url = url.to_owned();
                tokio::spawn(async move {
                    let database = Database::connect(&url).await.unwrap();
                    database.migrate(&[PEOPLE, SHOE_SIZE], &ManualClock::new(1)).await.unwrap();
                })
            })
            .collect();
        for start in starts {
            start.await.unwrap();
        }
        let database = Database::connect(url).await.unwrap();
        assert_eq!(count(&database, "SELECT COUNT(*) AS n FROM schema_version").await, 2);
    }

    async fn pets_go_with_their_owner(url: &str) {
        let database = Database::connect(url).await.unwrap();
        database.migrate(&[PEOPLE], &ManualClock::new(1)).await.unwrap();
        for sql in [
            "INSERT INTO people (id, name, born_at_ms, height, is_tall) VALUES ('1', 'Ann', 5, 1.5, false)",
            "INSERT INTO pets (id, owner_id, name) VALUES ('7', '1', 'Rex')",
            "DELETE FROM people",
        ] {
            database.connection().execute_unprepared(sql).await.unwrap();
        }
        assert_eq!(count(&database, "SELECT COUNT(*) AS n FROM pets").await, 0);
    }
}
