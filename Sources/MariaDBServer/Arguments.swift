import ClusterModel
import Glibc

/// The arguments of the programs that the node runs.
enum Arguments {
    /// mariadbd's. The last of two options with one name wins, so the operator's come first.
    static func server(_ options: PrivateServerOptions, _ paths: ServerPaths) throws(ServerProblem) -> [String] {
        for setting in options.extra where !ServerPaths.isSpeakable(setting.name) || setting.value.utf8.contains(0) {
            throw .unwritable(what: "the database option \"\(setting.name)\"")
        }
        // --no-defaults counts only as the very first.
        return ["--no-defaults"] + tunable(options) + options.extra.map { "--\($0.name)=\($0.value)" } + placed(paths) + replicated(options)
            + asRoot()
    }

    /// mariadb-install-db's, which runs in the directory it fills: it is a script that breaks a path with a space in it apart. What makes it durable is one sync of the whole when it is done, so it need not sync each step.
    static func installer() -> [String] {
        [
            // --force: no look at the machine's name, which a container may not resolve.
            "--no-defaults", "--force", "--skip-test-db", "--skip-name-resolve", "--datadir=.", "--tmpdir=../mariadb.tmp",
            // One root@localhost through the socket, and no account that is open until the first start closes it.
            "--auth-root-authentication-method=socket", "--auth-root-socket-user=root",
            "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
            "--innodb-flush-method=nosync", "--sync-frm=0", "--skip-log-bin", "--loose-feedback=OFF",
        ] + asRoot()
    }

    /// What an operator may set otherwise.
    private static func tunable(_ options: PrivateServerOptions) -> [String] {
        [
            "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci", "--default-storage-engine=InnoDB",
            "--performance-schema=0", "--max-binlog-size=256M", "--loose-feedback=OFF",
            // One thread applies, as MariaDB does by itself. Four take twice the CPU for small transactions and reach half the speed, since each
            // is handed over between them.
            "--slave-parallel-threads=0",
            // For those who have more: in parallel runs what the master committed as a group. The optimistic mode would run more, but was seen to
            // stand still for good where a sequence was altered behind a statement that used it.
            "--slave-parallel-mode=conservative",
        ]
    }

    /// Where it lives, and that only this node reaches it.
    private static func placed(_ paths: ServerPaths) -> [String] {
        [
            "--datadir=\(paths.data)", "--tmpdir=\(paths.temporary)", "--socket=\(paths.socket)", "--pid-file=\(paths.pid)",
            "--init-file=\(paths.accounts)",
            "--secure-file-priv=\(paths.files)", "--skip-log-error", "--skip-networking", "--skip-name-resolve", "--skip-grant-tables=0",
            "--local-infile=0",
        ]
    }

    /// What replication rests on.
    private static func replicated(_ options: PrivateServerOptions) -> [String] {
        let durable = options.role == .master
        let recovery = options.rollsBack ? ["--init-rpl-role=SLAVE", "--rpl-semi-sync-slave-enabled=1"] : []
        return recovery + [
            "--server-id=\(options.serverID)", "--max-connections=\(options.connectionsMax)",
            "--log-bin=binlog", "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-checksum=CRC32", "--expire-logs-days=0",
            "--gtid-strict-mode=1", "--gtid-domain-id=0", "--log-slave-updates=1", "--log-bin-trust-function-creators=1",
            "--sync-binlog=\(durable ? 1 : 0)", "--innodb-flush-log-at-trx-commit=\(durable ? 1 : 2)", "--read-only=\(durable ? 0 : 1)",
            // The node's journal is the durable copy of what the relay log holds.
            "--relay-log=relay", "--relay-log-recovery=1", "--relay-log-purge=1", "--sync-relay-log=0",
            "--skip-slave-start", "--slave-net-timeout=60", "--slave-max-allowed-packet=1G", "--max-allowed-packet=64M",
            "--event-scheduler=OFF",
        ]
    }

    /// Started as root, mariadbd insists on being told that it is meant.
    private static func asRoot() -> [String] {
        geteuid() == 0 ? ["--user=root"] : []
    }
}
