import Testing

extension WholeClusters {
    /// The scripts that people run by hand.
    @Suite struct Scripts {
        private static let script = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/scripts/cluster.sh"

        /// With nothing running, and pid files of processes that are gone.
        private func run(_ arguments: String) -> Processes.Ended {
            Processes.shell(
                """
                set -e; home=$(mktemp -d /tmp/ddbscript-XXXXXX); trap 'rm -rf "$home"' EXIT; echo 4194304 > "$home/master.pid"; echo x > "$home/slave1.pid"
                DDB_CLUSTER=$home DDBNODE=\(Processes.quoted(NodeProcess.binary)) DDB_PORT=\(Ports.next()) bash \(Processes.quoted(Self.script)) \(arguments)
                """)
        }

        @Test(arguments: ["console nosuch", "kill nosuch", "kill", "kill master nosuch", "logs nosuch", "up nosuch", "down nosuch", "status nosuch"])
        func `cluster.sh tells a wrong node, and how to call it`(arguments: String) {
            let ended = run(arguments)
            #expect(ended.code == 2, "\(ended.output)")
            #expect(ended.output.hasPrefix("cluster.sh: ") && ended.output.contains("usage: scripts/cluster.sh"), "\(ended.output)")
            #expect(ended.output.contains("nodes: master (port"), "\(ended.output)")
        }

        @Test func `cluster.sh is silent about pid files of processes that are gone`() {
            let ended = run("status")
            #expect(ended.code == 0 && !ended.output.contains("No such file"), "\(ended.output)")
            #expect(ended.output.split(separator: "\n").filter { $0.hasSuffix("not running") }.count == 3, "\(ended.output)")
        }
    }
}
