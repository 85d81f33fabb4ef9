from workos.exceptions import BadRequestException, NotFoundException

from server import ServerTest


class Check(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.fga.batch_write_warrants(
            batch=[
                cls.warrant("document:plan", "owner", "user:ann"),
                cls.warrant("document:plan", "viewer", "user:vic"),
                cls.warrant("document:plan", "parent", "folder:top"),
                cls.warrant("folder:top", "viewer", "user:fay"),
                cls.warrant("document:plan", "viewer", "user:con", policy='region == "eu"'),
                cls.warrant("document:plan", "blocked", "user:vic"),
            ]
        ).warrant_token

    def ask(self, relation, subject, context=None, **options):
        return self.fga.check(checks=[self.check("document:plan", relation, subject, context)], **options)

    def test_fields(self):
        answer = self.ask("owner", "user:ann")
        self.assertEqual(answer.result, "authorized")
        self.assertTrue(answer.authorized())
        self.assertIs(answer.is_implicit, False)
        self.assertIsNone(answer.debug_info)
        self.assertIsNone(answer.warnings)

    def test_rules(self):
        self.assertEqual((self.ask("viewer", "user:fay").result, self.ask("viewer", "user:fay").is_implicit), ("authorized", True))
        refused = self.ask("editor", "user:vic")
        self.assertEqual((refused.result, refused.authorized(), refused.is_implicit), ("not_authorized", False, False))
        self.assertFalse(self.ask("read", "user:vic").authorized())
        self.assertTrue(self.ask("read", "user:ann").authorized())

    def test_operators(self):
        yes = self.check("document:plan", "viewer", "user:vic")
        no = self.check("document:plan", "editor", "user:vic")
        self.assertTrue(self.fga.check(op="any_of", checks=[no, yes]).authorized())
        self.assertFalse(self.fga.check(op="all_of", checks=[no, yes]).authorized())
        self.assertTrue(self.fga.check(op="all_of", checks=[yes, yes]).authorized())
        with self.refused(BadRequestException, "invalid_parameter", "op"):
            self.fga.check(checks=[yes, no])
        with self.refused(BadRequestException, "invalid_parameter", "op"):
            self.fga.check(op="none_of", checks=[yes])

    def test_batch(self):
        relations = ["owner", "editor", "viewer", "approve", "blocked"]
        checks = [self.check("document:plan", relation, "user:ann", {"amount": 1}) for relation in relations]
        answers = self.fga.check_batch(checks=checks, warrant_token=self.token)
        self.assertEqual([answer.authorized() for answer in answers], [True, True, True, True, False])
        self.assertEqual([answer.is_implicit for answer in answers], [False, True, True, True, False])
        explained = self.fga.check_batch(checks=checks, debug=True)
        self.assertEqual([answer.debug_info.decision_tree.check.relation for answer in explained], relations)

    def test_context(self):
        self.assertTrue(self.ask("viewer", "user:con", {"region": "eu"}).authorized())
        self.assertFalse(self.ask("viewer", "user:con", {"region": "us"}).authorized())
        self.assertTrue(self.ask("approve", "user:ann", {"amount": 100}).authorized())
        self.assertFalse(self.ask("approve", "user:ann", {"amount": 101}).authorized())

    def test_missing_context(self):
        answer = self.ask("approve", "user:ann")
        self.assertEqual(answer.result, "not_authorized")
        (warning,) = answer.warnings
        self.assertEqual(type(warning).__name__, "MissingContextKeysWarning")
        self.assertEqual((warning.code, warning.keys), ("missing_context_keys", ["amount"]))
        self.assertIn("amount", warning.message)

    def test_debug(self):
        answer = self.ask("viewer", "user:fay", {"amount": 7}, debug=True)
        self.assertIsInstance(answer.debug_info.processing_time, int)
        root = answer.debug_info.decision_tree
        self.assertEqual((root.check.resource_type, root.check.resource_id, root.check.relation), ("document", "plan", "viewer"))
        self.assertEqual((root.check.subject.resource_type, root.check.subject.resource_id), ("user", "fay"))
        self.assertEqual(root.check.context, {"amount": 7})
        self.assertEqual(root.decision, "matched")
        nodes = []

        def walk(node):
            nodes.append(node)
            self.assertIn(node.decision, ["matched", "not_matched", "eval_policy"])
            for child in node.children:
                walk(child)

        walk(root)
        far = [node for node in nodes if node.check.resource_type == "folder" and node.check.relation == "viewer"]
        self.assertEqual([node.decision for node in far], ["matched"])

        nodes.clear()
        walk(self.ask("viewer", "user:con", {"region": "eu"}, debug=True).debug_info.decision_tree)
        self.assertIn('region == "eu"', [node.policy for node in nodes])

    def test_tokens(self):
        for token in [self.token, "latest"]:
            self.assertTrue(self.ask("owner", "user:ann", warrant_token=token).authorized())
        with self.refused(BadRequestException, "invalid_parameter", "Warrant-Token"):
            self.ask("owner", "user:ann", warrant_token="nonsense")

    def test_unknown(self):
        with self.refused(NotFoundException, "not_found"):
            self.fga.check(checks=[self.check("planet:mars", "viewer", "user:ann")])
        self.assertFalse(self.ask("astronaut", "user:ann").authorized())
        self.assertFalse(self.fga.check(checks=[self.check("document:unheard-of", "viewer", "user:x")]).authorized())
