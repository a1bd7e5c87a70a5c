from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("convey", "0001_initial")]

    operations = []
