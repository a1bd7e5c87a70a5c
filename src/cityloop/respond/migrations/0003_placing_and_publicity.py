from django.db import migrations, models

HIDE = """
    UPDATE respond_signal SET is_public = false, public_text = ''
    WHERE is_public AND NOT EXISTS (SELECT FROM respond_reporter r WHERE r.signal_id = respond_signal.id)
"""
"""What did not come in by the public door is not public; whatever did has a row of its reporter."""


class Migration(migrations.Migration):
    dependencies = [
        ("respond", "0002_open311"),
    ]

    operations = [
        migrations.AddField("signal", "tries", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("signal", "try_at", models.DateTimeField(null=True)),
        migrations.RunSQL(HIDE, migrations.RunSQL.noop),
    ]
