import ClusterModel
import Replication
import Testing

extension WholeClusters {
    /// Who speaks the nodes' protocol without being one of them.
    @Suite struct Strangers {
        private func run(_ body: (Cluster) throws -> Void) throws {
            try Cluster.run(slaves: 1) { cluster in
                try cluster.master.connect().ok("CREATE DATABASE d")
                try cluster.master.connect().ok("CREATE USER jessy@localhost IDENTIFIED BY 'p'")
                try cluster.waitForSlaves()
                for node in cluster.nodes {
                    try node.stop()
                    node.settings["authentication"] = #""accounts""#
                    try node.launch()
                }
                for node in cluster.nodes {
                    try waitUntil("\(node.name) serves") { (try? node.connect().run(".auth jessy p").error == nil) ?? false }
                }
                try body(cluster)
            }
        }

        /// What a node answers to one that says it is a node, until it hangs up.
        private func answers(of node: NodeProcess, to line: String, _ proof: [UInt8], then more: [Frame] = []) throws -> [Frame] {
            let client = try node.connect(timeout: 20)
            try client.send(line)
            let hello = Frame.Hello(
                cluster: "ddb", uuid: "11111111-2222-3333-4444-555555555555", id: 0, address: "127.0.0.1:1", nonce: [UInt8](repeating: 7, count: 32),
                proof: proof)
            var bytes: [UInt8] = []
            for frame in [Frame.hello(hello)] + more { frame.encode(into: &bytes) }
            try client.send(bytes)
            var reader = FrameReader(takesEvents: true)
            var frames: [Frame] = []
            while case let chunk = (try? client.bytes()) ?? [], !chunk.isEmpty {
                chunk.withUnsafeBytes { reader.append($0) }
                while let frame = try reader.next() { frames.append(frame) }
            }
            return frames
        }

        @Test func `where clients have accounts, a node must prove that it is one`() throws {
            try run { cluster in
                for node in cluster.nodes {
                    for line in [".link 1\n", ".peer 1\n"] where !(line.hasPrefix(".link") && node.role == "slave") {
                        for proof in [[], [UInt8](repeating: 0, count: 32)] {
                            let frames = try answers(of: node, to: line, proof, then: [.snapshotWanted(.physical), .ask(["sum"])])
                            guard case .challenge(let challenge)? = frames.first else {
                                Issue.record("\(frames)")
                                continue
                            }
                            #expect(challenge.secured)
                            guard frames.count == 2, case .refused = frames[1] else {
                                Issue.record("\(line): \(frames.dropFirst())")
                                continue
                            }
                        }
                    }
                }
                #expect(try cluster.master.root("SELECT COUNT(*) FROM mysql.global_priv WHERE User = 'jessy'") == "1")
            }
        }

        @Test func `the first node makes the secret, which is its user's alone, and the others find it`() throws {
            try run { cluster in
                let file = cluster.root + "/.ddbnode/secret"
                #expect(Processes.shell("stat -c %a \(file) \(cluster.root)/.ddbnode").output == "600\n700\n")
                #expect(Processes.text(ofFile: file)?.count == 65)
                let check = "HOME=\(cluster.root) \(NodeProcess.binary) check-config \(cluster.master.configuration)"
                let shown = Processes.shell(check)
                #expect(shown.code == 0 && shown.output.contains(file), "\(shown.output)")
                #expect(!shown.output.contains(Processes.text(ofFile: file)?.prefix(64) ?? "-"))
                Processes.shell("chmod 644 \(file)")
                let open = Processes.shell(check)
                #expect(open.code == 2 && open.output.contains("chmod 600"), "\(open.output)")
                Processes.shell("chmod 600 \(file); chown 1 \(file)")
                let foreign = Processes.shell(check)
                #expect(foreign.code == 2 && foreign.output.contains("belongs to another user"), "\(foreign.output)")
                Processes.shell("chown 0 \(file); echo short > \(file)")
                #expect(Processes.shell(check).code == 2)
                Processes.shell("rm -r \(cluster.root)/.ddbnode; touch \(cluster.root)/.ddbnode")
                #expect(Processes.shell(check).code == 0, "it would be made at the start")
                try cluster.slave(1).stop()
                try cluster.slave(1).launch()
                try cluster.slave(1).waitForEnd()
                #expect(cluster.slave(1).logText.contains("name a file with one as cluster.secretFile"))
            }
        }

        @Test func `a witness of a cluster with accounts is told where the secret is`() throws {
            try run { cluster in
                let lost = try cluster.addWitness()
                defer { lost.kill() }
                try lost.launch()
                try waitUntil("it is refused") { lost.logText.contains("name the file with it as cluster.secretFile") }
                let witness = try cluster.addWitness(["cluster": #"{"secretFile": "\#(cluster.root)/.ddbnode/secret"}"#])
                defer { witness.kill() }
                try witness.launch()
                try waitUntil("it joins") { witness.logText.contains("joined the cluster") }
            }
        }
    }
}
