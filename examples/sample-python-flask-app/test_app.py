import unittest

from app import app


class AppTest(unittest.TestCase):
    def setUp(self):
        self.client = app.test_client()

    def test_index_greets(self):
        answer = self.client.get("/")
        self.assertEqual(answer.status_code, 200)
        self.assertIn(b"Hello", answer.data)

    def test_health_is_ok(self):
        self.assertEqual(self.client.get("/health").get_json()["status"], "ok")


if __name__ == "__main__":
    unittest.main()
